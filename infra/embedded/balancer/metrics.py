"""What the load balancer of AWS tells CloudWatch, counted from Envoy's access log.

Every request is a line of the log once it has ended; `count` turns lines into datapoints (pure), and
`TrafficMetrics` reads what is new once a second. Times of answers are published as they were, not as
averages, so that percentiles are true. Requests and codes of targets are reported as 0 each minute while
there are targets, other counts only when there is something to count, as AWS documents. Nothing is kept by
availability zone, and nothing about connections of clients: no line says when one began.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from infra.embedded import aws
from infra.embedded.aws.pace import Beat
from infra.embedded.aws.views import LoadBalancer, TargetGroup, TargetState
from infra.embedded.balancer.tail import Tail

NAMESPACE = "AWS/ApplicationELB"
COUNT, SECONDS, NO_UNIT = "Count", "Seconds", "None"

_FROM_TARGET = "via_upstream"
_BY_RULE = "direct_response"
_NEVER_CONNECTED = "UF"
_CLIENT_LEFT = 460
_BY_CODE = frozenset({500, 502, 503, 504})
_PER_TARGET = "RequestCountPerTarget"
_ALWAYS = ("RequestCount", *(f"HTTPCode_Target_{kind}XX_Count" for kind in range(2, 6)))
"""Reported if there are registered targets."""
_READ_EVERY_SECONDS = 1.0

Values = tuple[tuple[float, float], ...]
"""Pairs of a value and how often it was seen."""


class Record(Protocol):
    """Where datapoints go: CloudWatch's `record`."""

    def __call__(
        self,
        account: str,
        region: str,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        values: Sequence[tuple[float, float]],
        at: float,
        unit: str = "None",
    ) -> None:
        """Add a datapoint."""


@dataclass(frozen=True, kw_only=True)
class Datapoint:
    """Values of one metric in one second."""

    account: str
    region: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    at: float
    values: Values
    unit: str = COUNT


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that has ended, as the log tells it."""

    balancer: str
    """ARN."""
    group: str | None
    """ARN of the target group that it was sent to."""
    target: bool
    """Whether a target was chosen."""
    status: int
    """What the client was told; 0: it left before."""
    by: str
    """Who answered, in Envoy's words."""
    failed_connections: int
    seconds: float | None
    """From the target having the request to the start of its answer."""
    ended: float
    """Epoch seconds."""


def parse(line: bytes) -> Request | None:
    """Read a line of the log; None for one that no request wrote."""
    try:
        entry: dict[str, Any] = json.loads(line)
        by, flags = entry["details"] or "", (entry["flags"] or "").split(",")
        attempts = int(entry["attempts"] or 0)
        answered, microseconds = by == _FROM_TARGET, entry["target_us"]
        return Request(
            balancer=entry["load_balancer"],
            group=entry["target_group"],
            target=entry["target"] is not None,
            status=int(entry["status"] or 0),
            by=by,
            failed_connections=attempts if _NEVER_CONNECTED in flags else max(attempts - 1, 0),
            seconds=microseconds / 1e6 if answered and microseconds is not None else None,
            ended=float(entry["epoch"]) + float(entry["duration_ms"] or 0) / 1000,
        )
    except (ValueError, KeyError, TypeError):
        return None


def count(requests: Iterable[Request], healthy: Mapping[str, int]) -> list[Datapoint]:
    """Datapoints of requests; `healthy` has the number of targets that share a target group's requests."""
    sums: dict[tuple[str, str, tuple[str, ...], int], float] = defaultdict(float)
    times: dict[tuple[str, tuple[str, ...], int], dict[float, float]] = {}
    for request in requests:
        second = int(request.ended)
        for name, amount, sets in _counted(request, healthy):
            for arns in sets:
                sums[(request.balancer, name, arns, second)] += amount
        if request.seconds is not None:
            for arns in _both(request):
                seen = times.setdefault((request.balancer, arns, second), defaultdict(float))
                seen[request.seconds] += 1
    counted = [
        _datapoint(balancer, name, arns, second, ((amount, 1.0),))
        for (balancer, name, arns, second), amount in sums.items()
    ]
    return counted + [
        _datapoint(balancer, "TargetResponseTime", arns, second, tuple(seen.items()), SECONDS)
        for (balancer, arns, second), seen in times.items()
    ]


def _counted(
    request: Request, healthy: Mapping[str, int]
) -> Iterable[tuple[str, float, tuple[tuple[str, ...], ...]]]:
    """What a request adds to: metric, amount, and the resources (ARNs) under which it is kept."""
    alone, both, kind = ((request.balancer,),), _both(request), request.status // 100
    if request.target:
        yield "RequestCount", 1, both
    if request.target and request.group and (sharing := healthy.get(request.group)):
        yield _PER_TARGET, 1 / sharing, ((request.group,), (request.group, request.balancer))
    if request.failed_connections:
        yield "TargetConnectionErrorCount", request.failed_connections, both
    if request.by == _FROM_TARGET:
        if 2 <= kind <= 5:
            yield f"HTTPCode_Target_{kind}XX_Count", 1, both
        return
    status = request.status or _CLIENT_LEFT
    if status // 100 in (3, 4, 5):
        yield f"HTTPCode_ELB_{status // 100}XX_Count", 1, alone
    if status in _BY_CODE:
        yield f"HTTPCode_ELB_{status}_Count", 1, alone
    if request.by == _BY_RULE:
        yield ("HTTP_Redirect_Count" if kind == 3 else "HTTP_Fixed_Response_Count"), 1, alone


def _both(request: Request) -> tuple[tuple[str, ...], ...]:
    alone = (request.balancer,)
    return (alone, (request.group, request.balancer)) if request.group else (alone,)


def each_minute(group: TargetGroup, balancer: str, now: float) -> list[Datapoint]:
    """What is told of a target group without any request, while it has targets: their health, and zeros."""
    registered = [target for target in group.targets if target.state is not TargetState.DRAINING]
    if not registered:
        return []
    alone, both = (balancer,), (group.arn, balancer)
    zeros = [(name, arns) for name in _ALWAYS for arns in (alone, both)]
    if not group.function:
        zeros += [(_PER_TARGET, arns) for arns in ((group.arn,), both)]
    points = [_datapoint(balancer, name, arns, now, ((0.0, 1.0),)) for name, arns in zeros]
    if group.health_check.enabled:
        states = [target.state for target in registered]
        for name, state in (
            ("HealthyHostCount", TargetState.HEALTHY),
            ("UnHealthyHostCount", TargetState.UNHEALTHY),
        ):
            points.append(_datapoint(balancer, name, both, now, ((float(states.count(state)), 1.0),)))
    return points


def sharing(group: TargetGroup) -> int:
    """Number of targets that share a group's requests: the healthy ones, or all when none is; 0: not said."""
    if group.function:
        return 0
    states = [target.state for target in group.targets if target.state is not TargetState.DRAINING]
    return states.count(TargetState.HEALTHY) or len(states)


def dimension(arn: str) -> tuple[str, str]:
    """How CloudWatch names a load balancer or target group: by the end of its ARN."""
    resource = arn.split(":", 5)[5]
    if resource.startswith("targetgroup/"):
        return "TargetGroup", resource
    return "LoadBalancer", resource.removeprefix("loadbalancer/")


def _datapoint(
    balancer: str, name: str, arns: tuple[str, ...], at: float, values: Values, unit: str = COUNT
) -> Datapoint:
    _, _, _, region, account, _ = balancer.split(":", 5)
    return Datapoint(
        account=account,
        region=region,
        name=name,
        dimensions=tuple(map(dimension, arns)),
        at=at,
        values=values,
        unit=unit,
    )


class TrafficMetrics:
    """A step of the daemon's loop: publishes what the access log got since the last time."""

    def __init__(
        self, log: Path, load_balancers: Callable[[], Iterable[LoadBalancer]], record: Record
    ) -> None:
        self._tail = Tail(log)
        self._load_balancers = load_balancers
        self._record = record
        self._read = float("-inf")
        self._beat = Beat()

    def publish(self, now: float) -> None:
        """Publish what is new at `now` (epoch seconds); at most once a second."""
        if 0 <= now - self._read < _READ_EVERY_SECONDS:
            return
        self._read = now
        requests = [request for line in self._tail.lines() if (request := parse(line))]
        minute = self._beat.strikes(now)
        if not requests and not minute:
            return
        balancers = tuple(self._load_balancers())
        groups = {group.arn: group for balancer in balancers for group in balancer.target_groups}
        points = count(requests, {arn: sharing(group) for arn, group in groups.items()})
        if minute:
            points += [
                point
                for balancer in balancers
                for group in balancer.target_groups
                for point in each_minute(group, balancer.arn, now)
            ]
        with aws.lock:
            for point in points:
                self._publish(point)

    def stop(self) -> None:
        """Let go of the log."""
        self._tail.close()

    def _publish(self, point: Datapoint) -> None:
        self._record(
            point.account,
            point.region,
            NAMESPACE,
            point.name,
            dict(point.dimensions),
            point.values,
            point.at,
            point.unit,
        )
