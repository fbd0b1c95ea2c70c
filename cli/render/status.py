"""`status` as a tree of tables: models, slots, replicas."""

from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.render.quantity import age_text
from infra.deploy.types import EnvironmentState, ModelState, Phase, Replica, RolloutState, SlotState
from infra.rollout.types import Phase as RolloutPhase

_COLUMNS = ("model", "slot", "release", "weight", "replicas", "phase", "market", "type", "zone", "age")
_MIN_WIDTH = 120
"""Narrower, instance ids would be cut; a terminal wraps the line instead."""
_STYLES = {
    Phase.HEALTHY: "green",
    Phase.UNHEALTHY: "red",
    Phase.FAILED: "red",
    Phase.DRAINING: "magenta",
}


def print_state(state: EnvironmentState) -> None:
    """Write the state to stdout."""
    Console(width=max(Console().width, _MIN_WIDTH)).print(state_view(state, datetime.now(UTC)))


def state_view(state: EnvironmentState, now: datetime) -> RenderableType:
    """Header, what is being rolled out, then a table of slots and replicas for all models."""
    header = Text.assemble((state.environment, "bold"), "  ", state.endpoint)
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in (
        "model",
        "slot",
        "release",
        "weight",
        "replicas",
        "phase",
        "market",
        "type",
        "zone",
        "age",
    ):
        table.add_column(column, justify="right" if column in ("weight", "age") else "left")
    for model in state.models:
        _add_model(table, model, now)
    rollouts = [
        Text(f"{model.name}: {rollout_line(model.rollout, now)}", style="yellow")
        for model in state.models
        if model.rollout
    ]
    return Group(header, *rollouts, table)


def progress_line(state: EnvironmentState) -> str:
    """One line for logs: healthy and wanted replicas of each model, with the phases of the others."""
    parts = []
    for model in state.models:
        live = [slot for slot in model.slots if slot.slot is model.live]
        for slot in live:
            others = [str(replica.phase) for replica in slot.replicas if replica.phase is not Phase.HEALTHY]
            waiting = f" ({', '.join(sorted(others))})" if others else ""
            asleep = ", asleep" if model.asleep else ""
            problems = "".join(f"; {problem}" for problem in slot.problems)
            parts.append(f"{model.name} {slot.healthy}/{slot.wanted} healthy{waiting}{asleep}{problems}")
    return "; ".join(parts) or "nothing is live"


def _add_model(table: Table, model: ModelState, now: datetime) -> None:
    name = model.name
    for slot in model.slots:
        if slot.slot is not model.live and not slot.replicas and not slot.weight:
            continue
        table.add_row(name, *_slot_cells(model, slot))
        for problem in slot.problems:
            table.add_row("", "", "", "", Text(problem, style="red"))
        for replica in slot.replicas:
            table.add_row("", "", *_replica_cells(replica, now))
        name = ""
    if name:
        table.add_row(name, "none live", f"{model.latest_release} waiting")


def rollout_line(rollout: RolloutState, now: datetime) -> str:
    """A rollout in one line: what moves, how far it is, who drives it."""
    age = age_text((now - rollout.since).total_seconds())
    driver = f", driven by {rollout.driver}" if rollout.driver else ", and nobody drives it"
    if rollout.phase is RolloutPhase.KEEPING and not rollout.driver:
        driver = ""
    return (
        f"rollout of release {rollout.new_release} after {rollout.old_release}: {rollout.phase} "
        f"at {rollout.weight} % for {age}{driver}" + (f": {rollout.reason}" if rollout.reason else "")
    )


def _slot_cells(model: ModelState, slot: SlotState) -> tuple[str, ...]:
    live = slot.slot is model.live
    waiting = live and model.latest_release != model.release and model.rollout is None
    release = f"{slot.release}" + (f" ({model.latest_release} waiting)" if waiting else "")
    weight = "asleep" if live and model.asleep else str(slot.weight)
    return (f"{slot.slot}{' *' if live else ''}", release, weight, f"{slot.healthy}/{slot.wanted}")


def _replica_cells(replica: Replica, now: datetime) -> tuple[str | Text, ...]:
    detail = f"{replica.phase} {replica.detail}".strip()
    age = age_text((now - replica.launched).total_seconds()) if replica.launched else ""
    return (
        "" if replica.release is None else str(replica.release),
        "",
        Text(replica.id, style="dim"),
        Text(detail, style=_STYLES.get(replica.phase, "yellow")),
        str(replica.market),
        replica.type,
        replica.zone,
        age,
    )
