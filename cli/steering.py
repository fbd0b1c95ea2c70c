"""Wishes for a rollout: left for whoever drives it, and carried out from here when nobody does."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from infra.errors import ExitCode, Refused

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.rollout.ports import Record, World
    from infra.rollout.types import Asked, Progress, Request

_POLL = 1.0
"""Seconds between looks at a rollout that somebody else drives."""


class _Handled(Exception):  # noqa: N818 - no failure: it ends a drive that has done what was asked
    """The wish was carried out."""


def chosen_model(workspace: "Workspace", model: str | None, *, over: bool = False) -> str:
    """The model of that name, or the only one with a rollout. `over`: those of the past count too.

    Raises `Refused` when there is none, or more than one.
    """
    (named, *more) = workspace.named_models(model)
    if model is not None or not more:
        return named
    found = [
        name
        for name, rollout in workspace.runtime.rollouts().items()
        if name in workspace.environment.models and (over or not rollout.status.phase.ended)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(
            f"{workspace.environment.environment}: no model has a rollout",
            hint="name one; `llmctl upgrade` begins a rollout",
        )
    raise Refused(f"more than one model has a rollout: {', '.join(found)}", hint="name one of them")


def going_on(ports: "World", model: str) -> "Record":
    """The model's rollout; raises `Refused` when none goes on."""
    record = ports.journal.read()
    if record is None or record.status.phase.ended:
        raise Refused(
            f"{model}: no rollout goes on",
            hint="`llmctl rollout history` lists those that are over; `llmctl upgrade` begins one",
        )
    return record


def steer(workspace: "Workspace", model: str, asked: "Asked", *, detach: bool = False) -> ExitCode:
    """Have a wish carried out, by the driver or from here, and say where that leads.

    `detach`: only leave it. Raises `Refused` for a wish that would have no effect now.
    """
    from cli.rolling import drive_and_report, wish, world
    from infra.rollout.types import Asked
    from infra.rollout.wishes import driver, objection

    ports = world(workspace, model)
    record = going_on(ports, model)
    if why := objection(record.plan, record.status, asked):
        raise Refused(why, hint=f"`llmctl rollout status --env {workspace.environment.environment}` shows it")
    request = wish(asked)
    ports.journal.ask(request)
    holder = driver(record, ports.clock.time())
    if detach:
        return _left(workspace, model, asked, holder)
    if holder:
        click.echo(f"{model}: {holder} drives this rollout, and is asked to {asked}", err=True)
    if holder and _carried_out(workspace, ports, request):
        return to_the_end(workspace, ports, backwards=True) if asked is Asked.ABORT else _told(ports)
    if asked is Asked.PAUSE:
        return _pause_here(workspace, ports, request)
    return drive_and_report(workspace, model, backwards=asked is Asked.ABORT)


def resume(workspace: "Workspace", model: str, *, detach: bool = False, backwards: bool = False) -> ExitCode:
    """Let a paused rollout go on, then drive it, or watch who does. `backwards`: it was to be taken back."""
    from cli.rolling import drive_and_report, wish, world
    from infra.rollout.types import Asked, Phase
    from infra.rollout.wishes import driver

    ports = world(workspace, model)
    record = going_on(ports, model)
    if record.status.phase is Phase.PAUSED:
        ports.journal.ask(wish(Asked.RESUME))
    elif detach:
        raise Refused(f"{model}: it isn't paused ({record.status.phase})", hint="leave out --detach")
    holder = driver(record, ports.clock.time())
    if detach:
        return _left(workspace, model, Asked.RESUME, holder)
    if holder:
        return to_the_end(workspace, ports, backwards=backwards)
    return drive_and_report(workspace, model, backwards=backwards)


def go_back(workspace: "Workspace", model: str, *, yes: bool) -> ExitCode:
    """Take the rollout that goes on back, after a yes."""
    from cli.ask import confirm
    from cli.rolling import world
    from infra.rollout.types import Asked
    from infra.rollout.wishes import objection

    record = going_on(world(workspace, model), model)
    plan, status = record.plan, record.status
    if status.phase.back:
        click.echo(objection(plan, status, Asked.ABORT), err=True)
        return resume(workspace, model, backwards=True)
    question = (
        f"{model}: release {plan.new_release} has {status.weight} % of the traffic. "
        f"Give all of it to release {plan.old_release}?"
    )
    confirm(question, yes=yes)
    return steer(workspace, model, Asked.ABORT)


def to_the_end(workspace: "Workspace", ports: "World", *, backwards: bool = False) -> ExitCode:
    """Watch a rollout that somebody else drives until it needs nobody, and say how it ended.

    Drives it from here if they vanish.
    """
    from cli.render.rollout_plan import ending_text
    from cli.rolling import code_of, drive_and_report
    from infra.rollout.wishes import rests

    watched = follow(workspace, ports, rests, driven=True)
    record = ports.journal.read()
    if record is None:
        return ExitCode.OK
    if not watched and not rests(record):
        return drive_and_report(workspace, record.plan.model, backwards=backwards)
    click.echo(ending_text(record.plan, record.status, workspace.environment.environment), err=True)
    return code_of(record.status, backwards=backwards)


def follow(
    workspace: "Workspace",
    ports: "World",
    enough: "Callable[[Record | None], bool]",
    *,
    driven: bool = False,
    deadline: float | None = None,
) -> bool:
    """Show a rollout until it is `enough`; False: not by the `deadline`, or nobody drives it (`driven`).

    Ctrl-C ends the watching, not the rollout.
    """
    from cli.render.rollout import watching_rollout
    from infra.rollout.controller import look
    from infra.rollout.wishes import driver

    with watching_rollout(workspace.environment.environment) as show:
        while True:
            record = ports.journal.read()
            progress = look(ports, ports.clock.time())
            if progress is not None:
                show(progress)
            if enough(record):
                return True
            now = ports.clock.time()
            if (driven and not driver(record, now)) or (deadline is not None and now >= deadline):
                return False
            ports.clock.sleep(_POLL)


def _carried_out(workspace: "Workspace", ports: "World", request: "Request") -> bool:
    """Whether the driver did what was asked; False: it has vanished."""
    from infra.rollout.wishes import waits

    return follow(workspace, ports, lambda record: not waits(record, request.id), driven=True)


def _told(ports: "World") -> ExitCode:
    """Say where a wish has led to."""
    record = ports.journal.read()
    if record is not None:
        status = record.status
        told = f"{record.plan.model}: {status.phase} at {status.weight} %"
        click.echo(f"{told}: {status.reason}" if status.reason else told, err=True)
    return ExitCode.OK


def _left(workspace: "Workspace", model: str, asked: "Asked", holder: str) -> ExitCode:
    resume = f"`llmctl resume --env {workspace.environment.environment} {model}` does it, anywhere"
    who = f"{holder} carries it out" if holder else f"nobody drives this rollout: {resume}"
    click.echo(f"{model}: {asked} was left; {who}", err=True)
    return ExitCode.OK


def _pause_here(workspace: "Workspace", ports: "World", request: "Request") -> ExitCode:
    """Drive only until the rollout is paused, and let it go again."""
    from cli.render.rollout import watching_rollout
    from cli.rolling import holder
    from infra.rollout.controller import drive

    with watching_rollout(workspace.environment.environment) as show:

        def watch(progress: "Progress") -> None:
            show(progress)
            if progress.status.handled == request.id:
                raise _Handled

        with suppress(_Handled):
            drive(ports, holder(), watch=watch)
    return _told(ports)
