"""Alarms that are due look at their metrics and change their state; their actions follow.

An alarm is evaluated once an (emulated) minute, one of high resolution every ten seconds, over periods
that are complete: the last one ends at the evaluation's own minute, so long periods slide. A second of real
time is left for datapoints under way. Composite alarms follow when any state changed.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from infra.embedded.aws.cloudwatch import actions, notification, queries
from infra.embedded.aws.cloudwatch.actions import State, Transition
from infra.embedded.aws.cloudwatch.alarm import Alarm, Watch, moment
from infra.embedded.aws.cloudwatch.decision import Verdict, decide
from infra.embedded.aws.cloudwatch.queries import BadQueryError
from infra.embedded.aws.cloudwatch.statistics import Bucket
from infra.embedded.aws.cloudwatch.store import Store
from infra.embedded.aws.pace import PACE

_GRACE_SECONDS = 1.0
_REPEATING = "arn:aws:autoscaling:"
"""Such actions are repeated each period while the state lasts; others are not."""
_PASSES = 10
"""How deep composite alarms may build on each other."""


def evaluate(alarms: Iterable[Alarm], metrics: Store, now: float) -> None:
    """Evaluate the alarms of one region that are due; `now` is real epoch seconds."""
    everyone = list(alarms)
    for alarm in everyone:
        if alarm.watch is not None and (end := _due(alarm, alarm.watch, now)) is not None:
            alarm.evaluated = end
            _look(alarm, alarm.watch, metrics, end, now)
    _compose(everyone, now)


def change(alarm: Alarm, new: State, reason: str, now: float, values: Sequence[float] = ()) -> None:
    """Give an alarm a state; on a new one its actions are carried out. `now` is real epoch seconds."""
    old = alarm.state
    alarm.updated, alarm.reason = now, reason
    if new is old:
        return
    alarm.state, alarm.transitioned = new, now
    data = {"oldState": {"stateValue": old}, "newState": {"stateValue": new, "stateReason": reason}}
    alarm.remember("StateUpdate", f"Alarm updated from {old} to {new}", now, data)
    _act(alarm, alarm.actions, old, values, now)


def _due(alarm: Alarm, watch: Watch, now: float) -> float | None:
    """End of the last complete period, if the alarm has not looked at it."""
    grace = min(_GRACE_SECONDS, watch.step / PACE.speed / 4)
    end = PACE.emulated(now - grace) // watch.step * watch.step
    return end if end > alarm.evaluated else None


def _look(alarm: Alarm, watch: Watch, metrics: Store, end: float, now: float) -> None:
    def buckets(period: int) -> list[Bucket]:
        starts = [end - period * back for back in range(watch.condition.range, 0, -1)]
        return [(start, PACE.real(start), PACE.real(start + period)) for start in starts]

    try:
        found = queries.run(metrics, watch.queries, buckets)[watch.shown]
        if len(found) > 1:
            raise BadQueryError("the expression returns more than one time series")
    except BadQueryError as error:
        change(alarm, State.UNKNOWN, f"Failure to evaluate: {error}", now)
        return
    points = found[0].points if found else {}
    recent = [(start, points.get(start)) for start, _, _ in buckets(watch.period)]
    verdict = decide(watch.condition, [value for _, value in recent], alarm.state)
    known = [(start, value) for start, value in recent if value is not None]
    _settle(alarm, watch, verdict, known[-watch.condition.periods :], now)


def _settle(
    alarm: Alarm, watch: Watch, verdict: Verdict, known: Sequence[tuple[float, float]], now: float
) -> None:
    """Take over what was found; where nothing changed, repeat the actions that want it."""
    if verdict.state is alarm.state:
        due = alarm.evaluated - alarm.acted >= watch.period
        if due and (again := [arn for arn in alarm.actions if arn.startswith(_REPEATING)]):
            _act(alarm, again, alarm.state, verdict.values, now)
        return
    alarm.reason_data = _data(watch, known, now)
    change(alarm, verdict.state, _reason(watch, verdict, known), now, verdict.values)


def _act(alarm: Alarm, arns: Sequence[str], old: State, values: Sequence[float], now: float) -> None:
    alarm.acted = alarm.evaluated
    transition = Transition(
        alarm_name=alarm.name,
        alarm_arn=alarm.alarm_arn,
        account=alarm.account,
        region=alarm.region,
        old=old,
        new=alarm.state,
        reason=alarm.reason,
        values=tuple(values),
        threshold=alarm.watch.condition.threshold if alarm.watch else None,
        at=now,
        message=notification.message(alarm, old, now),
    )
    for arn in arns:
        done = actions.perform(arn, transition, now)
        outcome = "Successfully executed action" if done else "Failed to execute action"
        alarm.remember("Action", f"{outcome} {arn}", now, {"actionState": "Succeeded" if done else "Failed"})


def _compose(alarms: Sequence[Alarm], now: float) -> None:
    """Bring composite alarms in line with the others, those that build on composites included."""
    composites = [alarm for alarm in alarms if alarm.rule is not None]
    for _ in range(_PASSES if composites else 0):
        states = {alarm.name: alarm.state for alarm in alarms}
        moved = [alarm for alarm in composites if _expected(alarm, states) is not alarm.state]
        if not moved:
            return
        for alarm in moved:
            change(alarm, _expected(alarm, states), _cause(alarm, alarms), now)


def _expected(alarm: Alarm, states: dict[str, State]) -> State:
    return State.ALARM if alarm.rule is not None and alarm.rule.holds(states) else State.OK


def _cause(alarm: Alarm, alarms: Sequence[Alarm]) -> str:
    watched = [one for one in alarms if alarm.rule and one.name in alarm.rule.alarms]
    if not watched:
        return "The rule was evaluated"
    latest = max(watched, key=lambda one: one.transitioned or one.configured)
    at = moment(latest.transitioned or latest.configured).strftime("%A %d %B, %Y %H:%M:%S UTC")
    return f"{latest.alarm_arn} transitioned to {latest.state} at {at}"


_COMPARED = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED = {
    "breaching": "Breaching",
    "notBreaching": "NonBreaching",
    "ignore": "Ignored",
    "missing": "Missing",
}


def _reason(watch: Watch, verdict: Verdict, known: Sequence[tuple[float, float]]) -> str:
    """Why, in CloudWatch's words."""
    condition = watch.condition
    if verdict.state is State.UNKNOWN:
        return f"Insufficient Data: {condition.periods} datapoints were unknown."
    if not known:
        return (
            f"Threshold Crossed: no datapoints were received for {condition.periods} periods and "
            f"{verdict.filled} missing datapoints were treated as [{_TREATED[condition.missing]}]."
        )
    alarming = verdict.state is State.ALARM
    counted = [(at, value) for at, value in known if condition.breaches(value) is alarming]
    shown = ", ".join(f"{value} ({_short(at)})" for at, value in reversed(counted))
    compared = ("" if alarming else "not ") + _COMPARED[condition.comparison]
    least = condition.datapoints if alarming else condition.periods - condition.datapoints + 1
    return (
        f"Threshold Crossed: {len(counted)} out of the last {condition.periods} datapoints [{shown}] "
        f"{'was' if len(counted) == 1 else 'were'} {compared} the threshold ({condition.threshold}) "
        f"(minimum {least} datapoint{'' if least == 1 else 's'} for "
        f"{'OK -> ALARM' if alarming else 'ALARM -> OK'} transition)."
    )


def _short(emulated: float) -> str:
    return moment(PACE.real(emulated)).strftime("%d/%m/%y %H:%M:%S")


def _data(watch: Watch, known: Sequence[tuple[float, float]], now: float) -> str:
    stat = next((query.stat for query in watch.queries if query.returned), None)
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": _iso(now),
            **({"startDate": _iso(PACE.real(known[0][0]))} if known else {}),
            **({"statistic": stat.statistic} if stat else {}),
            "period": watch.period,
            "recentDatapoints": [value for _, value in known],
            "threshold": watch.condition.threshold,
        }
    )


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
