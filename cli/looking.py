"""Looking at rollouts: where one is, those of the past, the story of one. Changes nothing."""

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from infra.errors import ExitCode, Refused

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.rollout.report import Story
    from infra.rollout.types import Progress
    from infra.rollout.view import PastView


def show_status(
    workspace: "Workspace", model: str | None, *, stay: bool, timeout: float | None, as_json: bool
) -> ExitCode:
    """Show a rollout, at once or when it is over; how it ended, if that was waited for."""
    from cli.render import emit_json
    from cli.render.rollout import print_rollout
    from cli.rolling import world
    from cli.steering import chosen_model, follow
    from infra.rollout.controller import look
    from infra.rollout.view import view
    from infra.rollout.wishes import rests

    name = chosen_model(workspace, model, over=True)
    ports = world(workspace, name)
    waits = stay or timeout is not None
    if waits:
        deadline = None if timeout is None else ports.clock.time() + timeout
        with suppress(KeyboardInterrupt):
            follow(workspace, ports, rests, deadline=deadline)
    progress = look(ports, ports.clock.time())
    if as_json:
        emit_json(view(progress) if progress else None)
    elif progress is None:
        click.echo(f"{name}: no rollout yet", err=True)
    else:
        print_rollout(progress, workspace.environment.environment)
    return watched_code(progress) if waits else ExitCode.OK


def watched_code(progress: "Progress | None") -> ExitCode:
    """How a rollout ended, for who waits for it: whoever took it back, it is rolled back."""
    from cli.rolling import code_of

    if progress is None:
        return ExitCode.OK
    status = progress.status
    on_its_way_back = status.phase.back and not status.phase.ended
    return ExitCode.INCONCLUSIVE if on_its_way_back else code_of(status)


def histories(workspace: "Workspace", model: str | None) -> "tuple[PastView, ...]":
    """All rollouts that are remembered, newest first."""
    from cli.rolling import world
    from infra.rollout.view import past

    found = [
        each for name in workspace.named_models(model) for each in world(workspace, name).journal.history()
    ]
    return past(sorted(found, key=lambda record: record.plan.id, reverse=True))


def story(workspace: "Workspace", model: str | None, rollout: str | None) -> "Story":
    """A rollout with all that was written down about it; raises `Refused` when there is none."""
    from cli.rolling import world
    from cli.steering import chosen_model
    from infra.rollout.report import Story

    name = chosen_model(workspace, model, over=True)
    journal = world(workspace, name).journal
    records = journal.history()
    record = next((each for each in records if rollout in (None, each.plan.id)), None)
    if record is None:
        known = ", ".join(each.plan.id for each in records)
        raise Refused(
            f"{name}: there is no rollout {rollout}" if rollout else f"{name} had no rollout yet",
            hint=f"rollouts: {known}" if known else "`llmctl upgrade` begins one",
        )
    return Story(plan=record.plan, status=record.status, entries=journal.entries(record.plan.id))
