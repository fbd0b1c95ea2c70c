"""Recording fakes of `infra.deploy.ports`: state in plain sight, calls recorded, the next call can fail."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from infra.deploy.logs import EVERYTHING, Choice
from infra.deploy.types import Group, Health, Live, LogLine, Report, Rollout, Schedule
from infra.environment.slots import Slot

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeFleet:
    """Groups in a dict; `resize` and `pin` change them and are recorded."""

    by_name: dict[str, Group] = field(default_factory=dict)
    releases: dict[str, int] = field(default_factory=dict)
    launch_times: dict[str, datetime] = field(default_factory=dict)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    fail_next: Exception | None = None

    def groups(self) -> tuple[Group, ...]:
        """All groups."""
        return tuple(self.by_name.values())

    def resize(self, group: str, *, minimum: int, desired: int) -> None:
        """Change the sizes."""
        self._call("resize", group, minimum, desired)
        self.by_name[group] = replace(self.by_name[group], min=minimum, desired=desired)

    def pin(self, group: str, release: int) -> None:
        """Change the release."""
        self._call("pin", group, release)
        self.by_name[group] = replace(self.by_name[group], release=release)

    def put_schedule(self, group: str, schedule: Schedule) -> None:
        """Add or replace a schedule."""
        self._call("put_schedule", group, schedule)
        self._set_schedules(group, schedule.name, schedule)

    def drop_schedule(self, group: str, name: str) -> None:
        """Forget a schedule."""
        self._call("drop_schedule", group, name)
        self._set_schedules(group, name)

    def latest_releases(self) -> Mapping[str, int]:
        """Newest releases."""
        return self.releases

    def launched(self) -> Mapping[str, datetime]:
        """Launch times."""
        return self.launch_times

    def _set_schedules(self, group: str, name: str, *new: Schedule) -> None:
        kept = [each for each in self.by_name[group].schedules if each.name != name]
        self.by_name[group] = replace(self.by_name[group], schedules=(*kept, *new))

    def _call(self, *call: object) -> None:
        if self.fail_next:
            failure, self.fail_next = self.fail_next, None
            raise failure
        self.calls.append(call)


@dataclass
class FakeBalancer:
    """Answers what it is told."""

    dns_name: str | None = "balancer.example"
    weights_by_model: dict[str, dict[Slot, int]] = field(default_factory=dict)
    health_by_instance: dict[str, Health] = field(default_factory=dict)

    def address(self) -> str | None:
        """DNS name."""
        return self.dns_name

    def weights(self) -> Mapping[str, Mapping[Slot, int]]:
        """Weights."""
        return self.weights_by_model

    def health(self, slots: Collection[tuple[str, Slot]]) -> Mapping[str, Health]:
        """Health."""
        return self.health_by_instance


@dataclass
class FakeRuntime:
    """The runtime table in memory."""

    live_by_model: dict[str, Live] = field(default_factory=dict)
    reports_by_instance: dict[str, Report] = field(default_factory=dict)
    events: list[tuple[str, str, str]] = field(default_factory=list)
    rollout_by_model: dict[str, Rollout] = field(default_factory=dict)

    def live(self) -> Mapping[str, Live]:
        """What is live."""
        return self.live_by_model

    def make_live(self, model: str, slot: Slot, release: int) -> None:
        """Record the first live release."""
        assert model not in self.live_by_model
        self.live_by_model[model] = Live(slot=slot, release=release, since=START)

    def forget(self, model: str) -> None:
        """Drop a model's records."""
        del self.live_by_model[model]
        self.rollout_by_model.pop(model, None)

    def rollouts(self) -> Mapping[str, Rollout]:
        """Current or last rollouts."""
        return self.rollout_by_model

    def reports(self) -> Mapping[str, Report]:
        """Agents' reports."""
        return self.reports_by_instance

    def record(self, action: str, target: str, result: str) -> None:
        """Append an event."""
        self.events.append((action, target, result))


@dataclass
class FakeClock:
    """Time that moves only when someone sleeps."""

    time: datetime = START

    def now(self) -> datetime:
        """The present."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.time += timedelta(seconds=seconds)


@dataclass
class FakeLogs:
    """Log lines that appear as time goes by: `batches[n]` is what the n-th reading finds."""

    batches: list[list[LogLine]]
    reads: int = 0

    def lines(self, model: str, *, since: datetime, choice: Choice = EVERYTHING) -> Iterator[LogLine]:
        """Lines of a model that have appeared by now."""
        batch = self.batches[min(self.reads, len(self.batches) - 1)]
        self.reads += 1
        yield from (line for line in batch if line.model == model and line.time >= since)
