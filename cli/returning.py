"""Going back to an earlier release: at once while it is warm, else by a rollout to it."""

from typing import TYPE_CHECKING

import click

from infra.errors import ExitCode, LlmctlError, Refused

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.rollout.ports import Record


def roll_back(workspace: "Workspace", model: str, release: int | None, *, yes: bool) -> ExitCode:
    """Go back to `release` (default: the previous one), after a yes; raises `Refused` for an unknown one."""
    from cli.rolling import world
    from cli.steering import go_back

    journal = world(workspace, model).journal
    record = journal.read()
    if record is None or record.status.phase.ended:
        code = _roll_out_backwards(workspace, model, release, journal.history(), yes=yes)
    else:
        _demand_same(record, release)
        code = go_back(workspace, model, yes=yes)
    if code is ExitCode.OK:
        _tell_of_the_file(workspace, model)
    return code


def _demand_same(record: "Record", release: int | None) -> None:
    """A rollout that goes on leads back to its old release only."""
    plan = record.plan
    if release not in (None, plan.old_release):
        raise LlmctlError(
            f"{plan.model}: a rollout goes on ({record.status.phase}), which can only go back to release "
            f"{plan.old_release}",
            hint=f"`llmctl rollback` without --to first, then to release {release}",
            code=ExitCode.CONFLICT,
        )


def _roll_out_backwards(
    workspace: "Workspace", model: str, release: int | None, history: "tuple[Record, ...]", *, yes: bool
) -> ExitCode:
    from cli.ask import confirm
    from cli.rolling import begin, drive_and_report, prepare, show_plan

    target = _target(workspace, model, release, history)
    plan = prepare(workspace, model, release=target)
    show_plan(workspace, plan)
    confirm(f"Roll {model} back to release {target}?", yes=yes)
    begin(workspace, plan)
    return drive_and_report(workspace, model)


def _target(workspace: "Workspace", model: str, release: int | None, history: "tuple[Record, ...]") -> int:
    from infra.rollout.history import before

    known = workspace.fleet.releases(model)
    live = workspace.runtime.live().get(model)
    target = release
    if target is None and live is not None:
        target = before(history, live.release)
    if target is None:
        raise Refused(
            f"{model}: no rollout that led to the live release is remembered, so there is no previous one",
            hint=f"name one: --to RELEASE, of {_listed(known)}",
        )
    if target not in known:
        raise Refused(f"{model}: there is no release {target}", hint=f"releases: {_listed(known)}")
    return target


def _tell_of_the_file(workspace: "Workspace", model: str) -> None:
    """The file is not changed by going back: say what that means for the next deploy."""
    facts = workspace.facts()
    live, newest = facts.live.get(model), facts.latest_releases.get(model)
    if live is None or newest in (None, live.release):
        return
    click.echo(
        f"{model}: release {live.release} serves, but {workspace.path} still describes release {newest}. "
        "`llmctl deploy` leaves it alone until the file changes; change it back there, so that the file says "
        "what serves, or `llmctl deploy --retry` tries the newer release again",
        err=True,
    )


def _listed(releases: tuple[int, ...]) -> str:
    return ", ".join(map(str, releases)) or "none"
