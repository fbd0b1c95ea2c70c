"""What a rollout is going to do, before anybody says yes to it; and how it ended, in a line."""

from collections.abc import Sequence

from infra.environment.model import Price
from infra.environment.slots import Market
from infra.rollout.capacity import at_first, needed, total
from infra.rollout.planning import duration
from infra.rollout.types import GateSpec, Phase, Plan, Status, Step


def plan_text(plan: Plan, price: Price | None, notes: Sequence[str] = ()) -> str:
    """The plan in some lines. `notes`: what its steps can and can't show at the present traffic."""
    lines = [
        f"{plan.model}: release {plan.old_release} ({plan.old_slot}) -> "
        f"release {plan.new_release} ({plan.new_slot}), {plan.strategy}",
        f"  steps     {_steps(plan)}",
        f"  gates     {', '.join(map(gate_text, plan.gates)) or 'none: nothing is judged'}",
        f"  replicas  {_replicas(plan, price)}",
        f"  takes     {_takes(plan)}",
    ]
    return "\n".join([*lines, *(f"  note      {note}" for note in notes)])


def ending_text(plan: Plan, status: Status, env: str) -> str:
    """How a driver left a rollout, and what people can do now."""
    old, new, command = plan.old_release, plan.new_release, f"--env {env} {plan.model}"
    match status.phase:
        case Phase.KEEPING:
            return (
                f"{plan.model}: release {new} has all the traffic; release {old} stays warm for "
                f"{words(plan.keep_previous)}: `llmctl rollback {command}` goes back at once"
            )
        case Phase.DONE:
            return f"{plan.model}: release {new} serves alone"
        case Phase.ROLLED_BACK:
            return f"{plan.model}: rolled back to release {old}: {status.reason}"
        case Phase.PAUSED:
            return (
                f"{plan.model}: paused at {status.weight} %: {status.reason}; "
                f"`llmctl promote {command}` goes on, `llmctl abort {command}` goes back"
            )
    return f"{plan.model}: {status.phase} at {status.weight} %"


def holding_text(plan: Plan, status: Status, env: str) -> str:
    """What becomes of a rollout whose driver was interrupted."""
    command = f"--env {env} {plan.model}"
    after = words(plan.watchdog)
    fate = {
        Phase.PAUSED: "it stays paused",
        Phase.KEEPING: "the cloud clears the old replicas away in time",
        Phase.DRAINING: "the cloud ends it",
    }.get(status.phase, f"if nobody drives it for {after}, the cloud takes it back")
    if status.phase.back:
        fate = "the cloud takes the rest back"
    return (
        f"{plan.model}: the rollout holds ({status.phase} at {status.weight} %). "
        f"`llmctl resume {command}` goes on, from any machine; {fate}"
    )


def words(seconds: float) -> str:
    """A length of time as the file has it: 90s, 5m, 1h."""
    whole = round(seconds)
    for size, unit in ((3600, "h"), (60, "m")):
        if whole and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole // 60}m {whole % 60}s" if whole > 600 else f"{whole}s"


def _steps(plan: Plan) -> str:
    return ", ".join(map(step_text, plan.steps)) + (" (the old release serves nobody)" if plan.asleep else "")


def step_text(step: Step) -> str:
    """A step in words."""
    pause = ", then waits for `llmctl promote`" if step.pause else ""
    return f"{step.weight} %" + (f" for {words(step.bake)}" if step.bake else "") + pause


def gate_text(gate: GateSpec) -> str:
    """A gate with its bounds."""
    bounds = [f"at most {gate.limit:g}"] if gate.limit is not None else []
    bounds += [f"+{gate.worse_by:g}"] if gate.worse_by is not None else []
    return f"{gate.gate} ({', '.join(bounds)})"


def _replicas(plan: Plan, price: Price | None) -> str:
    """The old and the new ones together are most when the last step's replicas are there."""
    full = at_first(plan)
    extra = needed(full, max(step.weight for step in plan.steps))
    more = total(extra) if plan.surge is None else min(total(extra), plan.surge)
    text = f"{total(full)} now, up to {total(full) + more} while it goes on"
    if price is None:
        return text
    # With a surge limit it isn't known which of them are on demand: the dearest are assumed.
    each = {Market.SPOT: price.spot, Market.ON_DEMAND: price.on_demand}
    prices = sorted((each[market] for market, size in extra.items() for _ in range(size)), reverse=True)
    return f"{text}: up to ${sum(prices[:more]):.2f} an hour more"


def _takes(plan: Plan) -> str:
    bakes = duration(plan)
    kept = "" if plan.asleep else f"; the old ones stay for {words(plan.keep_previous)} afterwards"
    return f"{words(bakes)} at least, and the time that replicas need to start{kept}"
