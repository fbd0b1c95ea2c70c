"""Rollouts as commands see them: the world of one model, how a rollout is begun, and how it is driven.

The decisions are in `infra.rollout`; here the adapters are put together, and people are told.
"""

import getpass
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from infra.errors import ExitCode, LlmctlError, Refused

if TYPE_CHECKING:
    from types import FrameType

    from cli.context import Workspace
    from infra.metrics.summary import Row
    from infra.rollout.planning import Overrides
    from infra.rollout.ports import Metrics, World
    from infra.rollout.types import Asked, Plan, Progress, Request, Status

_LOOK_BACK = 600.0
"""Seconds of traffic that the power notes rest on."""


def person() -> str:
    """Who runs this command."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def holder() -> str:
    """Who drives, when this process does."""
    return f"{person()} {os.getpid()}"


def wish(asked: "Asked") -> "Request":
    """A request in the name of whoever runs this command."""
    from infra.rollout.types import Request

    return Request(id=secrets.token_hex(4), asked=asked, by=person(), at=time.time())


def world(workspace: "Workspace", model: str) -> "World":
    """The ports of one model's rollout, on the real cloud, without golden prompts (see `driving`)."""
    from infra.aws.rollout_fleet import GroupFleet
    from infra.aws.rollout_journal import TableJournal
    from infra.aws.rollout_records import TableRecords
    from infra.aws.rollout_schedules import GroupSchedules
    from infra.aws.rollout_traffic import RuleTraffic
    from infra.metrics.measure import ReleaseMetrics
    from infra.rollout.ports import World

    session, environment = workspace.session, workspace.environment
    place = (session, environment.environment, model)
    return World(
        traffic=RuleTraffic(*place),
        fleet=GroupFleet(*place),
        schedules=GroupSchedules(*place),
        records=TableRecords(*place),
        journal=TableJournal(*place),
        clock=workspace.clock,
        metrics=ReleaseMetrics(workspace.metric_reader, workspace.balancer, environment, model),
    )


def prepare(
    workspace: "Workspace", model: str, overrides: "Overrides | None" = None, *, release: int | None = None
) -> "Plan":
    """The plan of a rollout of `release` (default: the newest), from what is there now. Nothing is written.

    Raises `Refused` for what can't be, and for a model that is live nowhere.
    """
    from infra.deploy.observe import serves
    from infra.rollout.planning import Overrides, Start, make_plan

    if golden := workspace.environment.models[model].rollout.golden:
        from infra.quality import golden as golden_prompts

        golden_prompts.check(golden, workspace.path, os.environ)
    facts = workspace.facts()
    live = facts.live.get(model)
    if live is None or model not in facts.latest_releases:
        raise Refused(
            f"{model}: no release is live yet, so there is nothing to roll out from",
            hint=f"`llmctl deploy --env {workspace.environment.environment}` makes the first one live",
        )
    return make_plan(
        workspace.environment,
        model,
        live=live,
        groups=facts.groups,
        weights=facts.weights.get(model, {}),
        serving=serves(facts, model, live.slot),
        release=facts.latest_releases[model] if release is None else release,
        start=Start(now=time.time(), by=person(), suffix=secrets.token_hex(2)),
        overrides=overrides or Overrides(),
    )


def begin(workspace: "Workspace", plan: "Plan") -> None:
    """Write the rollout down; raises `LlmctlError` (conflict) while another of the model goes on."""
    from infra.aws.rollout_journal import TableJournal
    from infra.rollout.types import Phase, Status

    journal = TableJournal(workspace.session, workspace.environment.environment, plan.model)
    journal.begin(plan, Status(phase=Phase.PREPARING, since=time.time()))


def start(
    workspace: "Workspace", model: str, overrides: "Overrides | None" = None, release: int | None = None
) -> "Plan":
    """`prepare` and `begin`."""
    plan = prepare(workspace, model, overrides, release=release)
    begin(workspace, plan)
    return plan


def show_plan(workspace: "Workspace", plan: "Plan") -> None:
    """Say what the rollout is going to do, on stderr."""
    from cli.render.rollout_plan import plan_text

    price = workspace.environment.models[plan.model].instances.price
    click.echo(plan_text(plan, price, power_notes(workspace, plan)), err=True)


def power_notes(workspace: "Workspace", plan: "Plan") -> tuple[str, ...]:
    """What the steps can show at the present traffic; why that isn't known, if it isn't."""
    from infra.rollout import power

    if not plan.gates:
        return ()
    try:
        summary = workspace.metrics([plan.model], since=_LOOK_BACK)
    except LlmctlError as error:
        return (f"the traffic isn't known ({error.message}), so nothing is said about the gates' power",)
    # The balancer counts by the minute; the live release's replicas tell sooner.
    rows = [row for row in summary.rows if row.release is None or row.live]
    rate, failed = (max((_value(row, name) for row in rows), default=0.0) for name in ("requests", "errors"))
    return power.power_notes(plan, rate, failed / 100)


def _value(row: "Row", measure: str) -> float:
    found = row.measures.get(measure)
    return (found.value if found else None) or 0.0


def clear_away(workspace: "Workspace", model: str, *, finish: bool) -> None:
    """Drive the last rollout to its very end, so that its slot is free; `finish`: it keeps old replicas warm.

    Raises `LlmctlError` (inconclusive) when it doesn't end.
    """
    from cli.render.rollout import watching_rollout
    from infra.rollout.controller import drive
    from infra.rollout.types import Asked

    ports, env = world(workspace, model), workspace.environment.environment
    if finish:
        click.echo(f"{model}: the old replicas of the last rollout make room for the next one", err=True)
        ports.journal.ask(wish(Asked.FINISH))
    with _terminated_as_interrupted(), watching_rollout(env) as show:
        status = drive(ports, holder(), watch=show)
    if not status.phase.ended:
        raise LlmctlError(
            f"{model}: the last rollout didn't end ({status.phase}), so the next one can't begin",
            hint="`llmctl rollout status` tells why",
            code=ExitCode.INCONCLUSIVE,
        )


def drive_and_report(workspace: "Workspace", model: str, *, backwards: bool = False) -> ExitCode:
    """Drive the model's rollout until it needs nobody, tell how that went, and move what follows the slot.

    Raises `HeldError` while somebody else drives. Interrupted, it says how to go on, and the code is
    "inconclusive".
    """
    from cli.render.rollout import watching_rollout
    from cli.render.rollout_plan import ending_text, holding_text
    from infra.rollout.controller import drive

    last: list[Progress] = []
    env = workspace.environment.environment
    try:
        with _terminated_as_interrupted(), _driving(workspace, model) as ports, watching_rollout(env) as show:
            status = drive(ports, holder(), watch=_both(show, last))
    except KeyboardInterrupt:
        if last:
            click.echo(holding_text(last[-1].plan, last[-1].status, env), err=True)
        return ExitCode.INCONCLUSIVE
    settle_model(workspace, model)
    record = ports.journal.read()
    if record is not None:
        click.echo(ending_text(record.plan, status, env), err=True)
    return code_of(status, backwards=backwards)


def code_of(status: "Status", *, backwards: bool = False) -> ExitCode:
    """How a command ends that left a rollout so. `backwards`: it was to be taken back."""
    from infra.rollout.types import Cause, Phase

    if status.phase.back:
        return ExitCode.OK if backwards and status.cause is Cause.USER else ExitCode.ROLLED_BACK
    if status.phase in (Phase.KEEPING, Phase.DRAINING, Phase.DONE):
        return ExitCode.OK
    return ExitCode.INCONCLUSIVE


def settle_model(workspace: "Workspace", model: str) -> None:
    """Schedules and minimums as the file has them by now: the rollout went by those of its beginning."""
    from infra.deploy.motion import model_steps
    from infra.deploy.settle import settle

    environment = workspace.environment
    if model not in environment.models:
        return
    found = model_steps(environment, model, workspace.facts(), workspace.clock.now())
    settle(
        environment.environment,
        found,
        workspace.fleet,
        workspace.runtime,
        None,
        lambda text: click.echo(text, err=True),
    )


@contextmanager
def _driving(workspace: "Workspace", model: str) -> "Iterator[World]":
    """`world`, with golden prompts where the file has some; they stop with the block."""
    from dataclasses import replace

    ports = world(workspace, model)
    assert ports.metrics is not None
    with _golden(workspace, model, ports.metrics) as metrics:
        yield replace(ports, metrics=metrics)


@contextmanager
def _golden(workspace: "Workspace", model: str, inner: "Metrics") -> "Iterator[Metrics]":
    golden = workspace.environment.models[model].rollout.golden
    if golden is None:
        yield inner
        return
    from infra.deploy.observe import model_url
    from infra.quality.client import Endpoint
    from infra.quality.golden import beside

    environment = workspace.environment
    endpoint = Endpoint(
        url=model_url(environment, model, workspace.balancer.address() or ""),
        model=model,
        api_key=workspace.api_key.read() if environment.endpoint.auth == "api-key" else None,
    )
    with beside(
        inner,
        golden,
        file=workspace.path,
        endpoint=endpoint,
        variables=os.environ,
        note=lambda text: click.echo(text, err=True),
    ) as metrics:
        yield metrics


def _both(show: "Callable[[Progress], None]", last: "list[Progress]") -> "Callable[[Progress], None]":
    def watch(progress: "Progress") -> None:
        last[:] = [progress]
        show(progress)

    return watch


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """A polite kill ends like Ctrl-C: the lease is let go, so that others can go on at once."""

    def interrupt(number: int, frame: "FrameType | None") -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
