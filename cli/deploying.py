"""The parts of `deploy`, each with its question."""

from typing import TYPE_CHECKING

import click

from cli.ask import confirm
from cli.planning import planning
from cli.render.plan import print_plan
from infra.deploy.audit import audited
from infra.deploy.motion import steps
from infra.deploy.releases import Before, Begin, Drive, Leave, Move, move, needs_history
from infra.deploy.settle import settle
from infra.errors import ExitCode
from infra.rollout.errors import HeldError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.context import Workspace
    from infra.plan.archive import Archive
    from infra.plan.report import PlanReport


def apply_changes(
    workspace: "Workspace",
    *,
    yes: bool,
    force_unlock: str | None,
    archive: "Archive | None" = None,
    agree: "Callable[[PlanReport], None] | None" = None,
) -> bool:
    """Plan, show, ask, and apply exactly that plan; whether there was anything to apply.

    `archive`: its plan is applied. `agree` asks instead, and raises where nothing is to be applied.
    """
    name = workspace.environment.environment
    with planning(workspace, force_unlock=force_unlock, archive=archive) as planned:
        if not planned.summary.has_changes:
            _renew(workspace)
            return False
        print_plan(planned.report, stderr=True)
        if agree:
            agree(planned.report)
        else:
            confirm(f"Apply this to {name}?", yes=yes)
        _renew(workspace)  # before the apply: one that is killed leaves what has an end, too
        with audited(workspace.runtime, "Apply", name) as outcome:
            done = planned.terraform.apply(planned.summary)
            outcome.result = f"{done.add} added, {done.change} changed, {done.remove} destroyed"
    return True


def _renew(workspace: "Workspace") -> None:
    if end := workspace.renew():
        when = f"{end:%Y-%m-%d %H:%M} UTC"
        click.echo(f"its ttl is over at {when}; `llmctl reap` destroys it then, a deploy renews it", err=True)


def move_what_terraform_leaves(workspace: "Workspace", *, yes: bool) -> bool:
    """Pin first releases and set sizes; whether anything had to move."""
    environment = workspace.environment
    found = steps(environment, workspace.facts(), workspace.clock.now())
    if found and not yes:
        for step in found:
            click.echo(f"  {step}", err=True)
        confirm(f"Do this to {environment.environment}?", yes=False)
    api_key = workspace.api_key if environment.endpoint.auth == "api-key" else None
    settle(
        environment.environment,
        found,
        workspace.fleet,
        workspace.runtime,
        api_key,
        lambda text: click.echo(text, err=True),
    )
    return bool(found)


def roll_out_releases(workspace: "Workspace", *, yes: bool, retry: bool, detach: bool) -> ExitCode | None:
    """Bring each model's newest release into the traffic, one model after the other; None: nothing to do.

    Stops at the first rollout that doesn't end with its release serving, with that one's code.
    """
    moves = _moves(workspace, retry=retry)
    worst: ExitCode | None = None
    if len(moves) > 1:
        click.echo(f"one after the other: {', '.join(each.model for each in moves)}", err=True)
    for each in moves:
        match each:
            case Leave(why=why, code=left):
                click.echo(why, err=True)
                code = left
            case Drive(model=model, driver=driver):
                code = _go_on(workspace, model, driver, detach=detach)
            case Begin():
                code = _begin(workspace, each, yes=yes, detach=detach)
        worst = max(worst or ExitCode.OK, code)
        if code is not ExitCode.OK and not isinstance(each, Leave):
            break
    return worst


def _moves(workspace: "Workspace", *, retry: bool) -> list[Move]:
    """What is to be done; all of it is known before any of it begins."""
    from infra.aws.rollout_journal import TableJournal

    environment, facts = workspace.environment, workspace.facts()
    found = []
    for model in environment.models:
        journal = TableJournal(workspace.session, environment.environment, model)
        history = journal.history() if needs_history(model, facts) else ()
        found.append(move(model, facts, history, retry=retry))
    return [each for each in found if each is not None]


def _begin(workspace: "Workspace", due: Begin, *, yes: bool, detach: bool) -> ExitCode:
    from cli.rolling import begin, clear_away, prepare, show_plan

    model, name = due.model, workspace.environment.environment
    if due.before is Before.DRIVE:
        clear_away(workspace, model, finish=False)
    plan = prepare(workspace, model, release=due.release)
    show_plan(workspace, plan)
    confirm(f"Roll this out in {name}?", yes=yes, otherwise=f"release {plan.new_release} of {model} waits")
    if due.before is Before.FINISH:
        clear_away(workspace, model, finish=True)
    begin(workspace, plan)
    return _drive(workspace, model, detach=detach)


def _go_on(workspace: "Workspace", model: str, driver: str, *, detach: bool) -> ExitCode:
    """Drive a rollout that is there; one whose driver lives is theirs, and no obstacle to this deploy."""
    if driver:
        click.echo(f"{model}: {driver} has this rollout; it is taken over if that driver is gone", err=True)
    try:
        return _drive(workspace, model, detach=detach)
    except HeldError as error:
        click.echo(f"{error.message}: left to it", err=True)
        return ExitCode.OK


def _drive(workspace: "Workspace", model: str, *, detach: bool) -> ExitCode:
    from cli.rolling import drive_and_report

    if not detach:
        return drive_and_report(workspace, model)
    name = workspace.environment.environment
    click.echo(
        f"{model}: nobody drives this rollout yet: `llmctl resume --env {name} {model}` does, anywhere",
        err=True,
    )
    return ExitCode.OK
