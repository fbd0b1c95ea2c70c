"""Minutes of an environment's life, told as AWS and the agents tell them, and what its alarms make of them.

A story is a list of minutes. What a minute publishes, and what it leaves out, is production's: the balancer
tells of a slot's health only while it has targets, and of errors only when there were any; groups tell their
sizes whatever happens; an agent that isn't heard tells nothing; times exist only of requests.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from infra.agent import catalogue
from infra.agent.catalogue import Level, Metric
from infra.embedded.aws import cloudwatch, sns
from infra.environment import names
from infra.environment.slots import Market, Slot
from infra.observability.lines import ELB, GROUPS
from tests.functional.observability.synthesised import Client, Created
from tests.synth.synthesis import REGION

ENVIRONMENT = "test"
BEATS = 3
"""Publications of an agent in a minute: the environment's interval is 20 s."""
_ACCOUNT = "123456789012"
_START = 1_800_000_000 // 60 * 60


@dataclass(frozen=True, kw_only=True)
class Half:
    """One slot of a model during a minute."""

    wanted: int = 0
    """Spot instances."""
    on_demand: int = 0
    """On-demand instances, which are all there and in service."""
    in_service: int | None = None
    """Spot instances in service; those that are wanted, unless said."""
    healthy: int | None = None
    """At the balancer; all in service, unless said."""
    requests: int = 0
    failed: int = 0
    unreachable: int = 0

    @property
    def serving(self) -> int:
        """Instances in service, which are registered at the balancer."""
        return (self.wanted if self.in_service is None else self.in_service) + self.on_demand


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What happens to a model, and around it, in a minute."""

    blue: Half = Half(wanted=2, requests=100)
    green: Half = field(default_factory=Half)
    heard: int | None = None
    """Agents that publish; those of instances in service, unless said."""
    lost: int = 0
    """Publications of them that came too late for the minute."""
    slow: int = 0
    """Requests that took 90 seconds, their first token in time."""
    late: int = 0
    """Requests whose first token took 15 seconds."""
    queued: float = 0
    """In each replica."""
    unread: int = 0
    ended: int = 0
    notices: int = 0
    bad_gateway: int = 0
    groups: bool = True
    """Whether the groups tell their sizes."""
    balancer: bool = True
    """Whether the balancer tells anything."""

    @property
    def agents(self) -> int:
        """How many agents publish."""
        return self.blue.serving + self.green.serving if self.heard is None else self.heard

    @property
    def requests(self) -> int:
        """Of both slots."""
        return self.blue.requests + self.green.requests


Story = Sequence[Minute]
_OF_MINUTE = {each.name for each in fields(Minute)}


def minutes(count: int, **changes: Any) -> list[Minute]:
    """So many minutes of two healthy replicas in blue with 100 requests, but for the changes.

    What a minute doesn't have is of its blue slot: `minutes(5, failed=6)`.
    """
    own = {name: value for name, value in changes.items() if name in _OF_MINUTE}
    blue = {name: value for name, value in changes.items() if name not in _OF_MINUTE}
    minute = replace(Minute(), **own)
    return [replace(minute, blue=replace(minute.blue, **blue)) if blue else minute] * count


NOBODY = Half()
"""A slot without instances."""
ASLEEP = Minute(blue=NOBODY)
_IDLE = Minute(blue=Half(wanted=2))


@dataclass(frozen=True)
class Seen:
    """What was to be seen after each minute of a story, and what was told in it."""

    firing: list[frozenset[str]]
    told: list[str]
    """Subjects' beginnings: ALARM or OK, and the alarm."""

    @property
    def ever(self) -> frozenset[str]:
        """Every alarm that fired."""
        return frozenset().union(*self.firing)

    def first(self, kind: str) -> int | None:
        """In which minute the alarm fired, counted from one."""
        return next((number for number, now in enumerate(self.firing, 1) if kind in now), None)


class Life:
    """An environment in which minutes pass."""

    def __init__(self, created: Created, client: Client) -> None:
        self._created = created
        self._client = client("cloudwatch")
        self._minute = 0

    def play(self, story: Story, *, model: str = "chat", delay: int = 0) -> Seen:
        """Let the minutes pass; `delay` is how many minutes the balancer's and the agents' figures take."""
        before, firing = len(sns.MAILBOX), []
        begun = self._minute
        for number, minute in enumerate(story):
            self._groups(model, minute, begun + number)
            if (arrived := number - delay) >= 0:
                self._balancer(model, story[arrived], begun + arrived)
                self._agents(model, story[arrived], begun + arrived)
            self._other(model, begun + number)
            self._minute += 1
            cloudwatch.evaluate(_START + self._minute * 60 + 2)
            firing.append(self._firing(model))
        told = [mail.subject for mail in list(sns.MAILBOX)[before:]]
        return Seen(firing, [_short(subject, model) for subject in told])

    def _firing(self, model: str) -> frozenset[str]:
        found = self._client.describe_alarms(StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = found["MetricAlarms"] + found["CompositeAlarms"]
        return frozenset(_short(alarm["AlarmName"], model) for alarm in alarms)

    def _other(self, model: str, at: int) -> None:
        """What the model does that the story isn't about: `chat` waits for requests, `night` sleeps."""
        other, minute = ("chat", _IDLE) if model == "night" else ("night", ASLEEP)
        self._groups(other, minute, at)
        self._balancer(other, minute, at)
        self._agents(other, minute, at)

    def _groups(self, model: str, minute: Minute, at: int) -> None:
        for slot, half in _halves(minute):
            spot = half.serving - half.on_demand
            sizes = {
                Market.SPOT: (half.wanted, spot, max(half.wanted, spot)),
                Market.ON_DEMAND: (half.on_demand,) * 3,
            }
            for market, values in sizes.items():
                dimensions = {"AutoScalingGroupName": names.group(ENVIRONMENT, model, slot, market)}
                told = ("GroupDesiredCapacity", "GroupInServiceInstances", "GroupTotalInstances")
                for name, value in zip(told, values, strict=True):
                    if minute.groups:
                        _record(GROUPS, name, dimensions, [(value, 1)], at)

    def _balancer(self, model: str, minute: Minute, at: int) -> None:
        if not minute.balancer:
            return
        alone = {"LoadBalancer": self._created.balancer()}
        for slot, half in _halves(minute):
            both = alone | {"TargetGroup": self._created.target_group(ENVIRONMENT, model, slot)}
            if half.serving:
                healthy = half.serving if half.healthy is None else half.healthy
                _record(ELB, "HealthyHostCount", both, [(healthy, 1)], at)
            for name, count in (
                ("RequestCount", half.requests),
                ("HTTPCode_Target_5XX_Count", half.failed),
                ("TargetConnectionErrorCount", half.unreachable),
            ):
                for dimensions in (both, alone):
                    if count:
                        _record(ELB, name, dimensions, [(1, count)], at)
        if minute.bad_gateway:
            _record(ELB, "HTTPCode_ELB_502_Count", alone, [(1, minute.bad_gateway)], at)

    def _agents(self, model: str, minute: Minute, at: int) -> None:
        if not minute.agents:
            return
        beats = minute.agents * BEATS
        self._told(model, catalogue.HEARTBEAT, [(1, beats - minute.lost)], at)
        for metric, count in (
            (catalogue.SCRAPE_FAILURES, minute.unread),
            (catalogue.ENGINE_FAILURES, minute.ended),
            (catalogue.SPOT_NOTICES, minute.notices),
        ):
            self._told(model, metric, [(0, beats), (1, count)], at)
        self._told(model, catalogue.QUEUED, [(minute.queued, beats)], at)
        if minute.requests:
            quick = minute.requests - minute.slow - minute.late
            self._told(model, catalogue.LATENCY, [(4, quick), (90, minute.slow), (20, minute.late)], at)
            self._told(model, catalogue.FIRST_TOKEN, [(0.3, quick + minute.slow), (15, minute.late)], at)

    def _told(self, model: str, metric: Metric, values: list[tuple[float, float]], at: int) -> None:
        assert Level.MODEL in metric.levels
        dimensions = {"environment": ENVIRONMENT, "model": model}
        seen = [(value, count) for value, count in values if count]
        _record(catalogue.NAMESPACE, metric.name, dimensions, seen, at)


def _halves(minute: Minute) -> Iterator[tuple[Slot, Half]]:
    yield Slot.BLUE, minute.blue
    yield Slot.GREEN, minute.green


def _record(
    namespace: str, name: str, dimensions: dict[str, str], values: list[tuple[float, float]], minute: int
) -> None:
    """Add datapoints in the middle of a minute."""
    at = _START + minute * 60 + 30
    cloudwatch.record(_ACCOUNT, REGION, namespace, name, dimensions, values, at)


def _short(text: str, model: str) -> str:
    """An alarm's name, or the subject of a message about it, without what is the same in all."""
    kind = text.partition('" in ')[0].replace('"', "")
    for prefix in (f"llmctl-{ENVIRONMENT}-{model}-", f"llmctl-{ENVIRONMENT}-"):
        kind = kind.replace(prefix, "")
    return kind.replace(":", "")
