"""Recording fakes of `infra.rollout.ports`, over the cluster in memory: state in plain sight, calls can fail.

`fake_world()` is a model with a rollout that has just begun. Time moves only when somebody sleeps, and the
cluster's instances start and drain with it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from infra.environment.slots import Market, Slot
from infra.errors import ExitCode, LlmctlError
from infra.rollout.errors import HeldError, LeaseLostError
from infra.rollout.ports import Entry, Lease, Record, ReplicaSeen, World
from infra.rollout.types import (
    GroupSeen,
    MakeLive,
    MoveSchedules,
    Mutation,
    Phase,
    Pin,
    Plan,
    Request,
    Resize,
    SetWeights,
    Status,
    Verdict,
)
from tests.fakes.cluster import Cluster, a_plan
from tests.fakes.rollout_metrics import Behaviour, FakeMetrics

__all__ = ["Behaviour", "FakeWorld", "a_plan", "fake_world"]


@dataclass
class Failing:
    """Something whose next calls can fail; `lose_answer`: after they were carried out."""

    fail_next: list[LlmctlError] = field(default_factory=list)
    lose_answer: bool = False
    calls: list[Mutation] = field(default_factory=list)

    def _carry_out(self, mutation: Mutation, cluster: Cluster) -> None:
        failure = self.fail_next.pop(0) if self.fail_next else None
        if failure is None or self.lose_answer:
            self.calls.append(mutation)
            cluster.change(mutation)
        self._maybe(failure)

    def _read(self) -> None:
        self._maybe(self.fail_reads.pop(0) if self.fail_reads else None)

    fail_reads: list[LlmctlError] = field(default_factory=list)

    @staticmethod
    def _maybe(failure: LlmctlError | None) -> None:
        if failure:
            raise failure


@dataclass(kw_only=True)
class FakeTraffic(Failing):
    """The rule's weights. `stale_for`: how long reads tell what was before."""

    cluster: Cluster
    stale_for: float = 0.0
    shifts: list[tuple[float, dict[Slot, int]]] = field(default_factory=list)
    """When which weights were set."""
    _before: dict[Slot, int] = field(default_factory=dict)
    _fresh_at: float = 0.0

    def weights(self) -> Mapping[Slot, int]:
        """Both slots' weights."""
        self._read()
        return dict(self._before if self.cluster.now < self._fresh_at else self.cluster.weights)

    def set_weights(self, weights: Mapping[Slot, int]) -> None:
        """Set both."""
        if self.cluster.weights != weights:
            self._before, self._fresh_at = dict(self.cluster.weights), self.cluster.now + self.stale_for
            self.shifts.append((self.cluster.now, dict(weights)))
        self._carry_out(SetWeights(weights=weights), self.cluster)


@dataclass(kw_only=True)
class FakeFleet(Failing):
    """The cluster's groups and instances; `cluster.capacity` and `cluster.lose` are the market."""

    cluster: Cluster

    def groups(self) -> tuple[GroupSeen, ...]:
        """All four."""
        self._read()
        return tuple(self.cluster.groups.values())

    def replicas(self) -> tuple[ReplicaSeen, ...]:
        """Instances that aren't gone."""
        return tuple(
            ReplicaSeen(
                id=f"i-{number}",
                slot=self.cluster.groups[each.group].slot,
                release=each.release,
                healthy=each.healthy_at <= self.cluster.now and each.gone_at is None,
                leaving=each.gone_at is not None,
            )
            for number, each in enumerate(self.cluster.instances)
        )

    def pin(self, group: str, release: int) -> None:
        """What the group boots."""
        self._carry_out(Pin(group=group, release=release), self.cluster)

    def resize(self, group: str, *, minimum: int, desired: int) -> None:
        """Set its sizes."""
        self._carry_out(Resize(group=group, minimum=minimum, desired=desired), self.cluster)


@dataclass(kw_only=True)
class FakeSchedules(Failing):
    """One slot has some."""

    cluster: Cluster

    def slots(self) -> frozenset[Slot]:
        """Which one."""
        self._read()
        return self.cluster.timed()

    def move(self, slot: Slot) -> None:
        """To another."""
        self._carry_out(MoveSchedules(slot=slot), self.cluster)


@dataclass(kw_only=True)
class FakeRecords(Failing):
    """What is live."""

    cluster: Cluster

    def live(self) -> Slot:
        """The recorded slot."""
        self._read()
        return self.cluster.live

    def make_live(self, slot: Slot, release: int) -> None:
        """Record another."""
        self._carry_out(MakeLive(slot=slot, release=release), self.cluster)


@dataclass(kw_only=True)
class FakeClock:
    """Sleeping moves time and the cluster; what is planned for a time happens then."""

    cluster: Cluster
    planned: list[tuple[Callable[[], bool], Callable[[], object]]] = field(default_factory=list)

    def time(self) -> float:
        """The cluster's time."""
        return self.cluster.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.cluster.advance(seconds)
        while due := [each for each in self.planned if each[0]()]:
            self.planned.remove(due[0])
            due[0][1]()

    def when(self, condition: Callable[[], bool], action: Callable[[], object]) -> None:
        """Plan something; the condition is looked at as time passes."""
        self.planned.append((condition, action))

    def at(self, time: float, action: Callable[[], object]) -> None:
        """Plan something for a time."""
        self.when(lambda: self.cluster.now >= time, action)


@dataclass(kw_only=True)
class FakeJournal:
    """The journal in memory, with the same conditions as the table has; the next call can fail."""

    clock: FakeClock
    current: Record | None = None
    token: int = 0
    story: list[tuple[str, Entry]] = field(default_factory=list)
    """Rollout's id and entry, oldest first."""
    past: list[Record] = field(default_factory=list)
    fail_next: dict[str, list[LlmctlError]] = field(default_factory=dict)
    """By method."""

    def read(self) -> Record | None:
        """The current one."""
        self._fail("read")
        return self.current

    def begin(self, plan: Plan, status: Status) -> None:
        """Start one, unless one goes on."""
        self._fail("begin")
        if self.current:
            if not self.current.status.phase.ended:
                raise LlmctlError("another rollout goes on", code=ExitCode.CONFLICT)
            bare = replace(self.current, request=None, intent="", lease=None, let_go_at=None)
            self.past.append(bare)
        self.token += 1
        self.current = Record(plan=plan, status=status, request=None, intent="", lease=None)
        self._tell(plan.started_by, "began", plan.id, status=status)

    def acquire(self, holder: str, seconds: float) -> Lease:
        """Take the lease, if nobody else has it."""
        self._fail("acquire")
        record, now = self._record(), self.clock.time()
        if record.lease and record.lease.holder != holder and record.lease.until > now:
            raise HeldError(record.plan.model, record.lease.holder, record.lease.until - now)
        self.token += 1
        lease = Lease(model=record.plan.model, holder=holder, token=self.token, until=now + seconds)
        self.current = replace(record, lease=lease, let_go_at=None)
        self._tell(holder, "lease", f"taken, token {self.token}")
        return lease

    def renew(self, lease: Lease, seconds: float) -> Lease:
        """Keep it, also when it has run out and nobody took it."""
        self._fail("renew")
        kept = replace(lease, until=self.clock.time() + seconds)
        self.current = replace(self._fenced(lease, expired=True), lease=kept)
        return kept

    def let_go(self, lease: Lease) -> None:
        """Give it back, if it is still held."""
        self._fail("let_go")
        held = self._record().lease
        if held and held.token == lease.token:
            self.current = replace(self._record(), lease=None, let_go_at=self.clock.time())
            self._tell(lease.holder, "lease", "let go")

    def enter(self, lease: Lease, status: Status) -> None:
        """Write where it is; a wish that was carried out is cleared."""
        self._fail("enter")
        record = self._fenced(lease)
        asked = record.request
        left = None if asked and asked.id == status.handled else asked
        self.current = replace(record, status=status, request=left)
        self._tell(lease.holder, "phase", status.phase.value, status=status)

    def intend(self, lease: Lease, mutation: Mutation) -> None:
        """Write what is about to be changed."""
        self._fail("intend")
        self.current = replace(self._fenced(lease), intent=str(mutation))
        self._tell(lease.holder, "intent", str(mutation))

    def done(self, lease: Lease, mutation: Mutation, outcome: str) -> None:
        """Write how that ended."""
        self._fail("done")
        self.current = replace(self._fenced(lease), intent="")
        self._tell(lease.holder, "outcome", f"{mutation}: {outcome}")

    def note(self, lease: Lease, text: str) -> None:
        """Write a line; a left intent is forgotten."""
        self._fail("note")
        self.current = replace(self._fenced(lease), intent="")
        self._tell(lease.holder, "note", text)

    def judged(self, lease: Lease, status: Status, verdicts: Sequence[Verdict]) -> None:
        """Write what the gates say."""
        self._fail("judged")
        self._fenced(lease)
        self._tell(lease.holder, "judged", "", status=status, verdicts=tuple(verdicts))

    def ask(self, request: Request) -> None:
        """Leave a wish."""
        self._fail("ask")
        if self._record().status.phase.ended:
            raise LlmctlError("no rollout goes on", code=ExitCode.REFUSED)
        self.current = replace(self._record(), request=request)
        self._tell(request.by, "request", request.asked.value)

    def entries(self, rollout: str | None = None) -> tuple[Entry, ...]:
        """The story of one rollout."""
        wanted = rollout or self._record().plan.id
        return tuple(entry for of, entry in self.story if of == wanted)

    def history(self) -> tuple[Record, ...]:
        """All of them, newest first."""
        return tuple(reversed([*self.past, *([self.current] if self.current else [])]))

    def of_kind(self, kind: str) -> list[Entry]:
        """Entries of one kind, for assertions."""
        return [entry for entry in self.entries() if entry.kind == kind]

    def _record(self) -> Record:
        if self.current is None:
            raise LlmctlError("no rollout has begun")
        return self.current

    def _fenced(self, lease: Lease, *, expired: bool = False) -> Record:
        record, now = self._record(), self.clock.time()
        held = record.lease
        mine = held and (held.token, held.holder) == (lease.token, lease.holder)
        if not held or not mine or (held.until <= now and not expired):
            raise LeaseLostError(record.plan.model)
        return record

    def _fail(self, method: str) -> None:
        if failures := self.fail_next.get(method):
            raise failures.pop(0)

    def _tell(
        self,
        actor: str,
        kind: str,
        text: str,
        *,
        status: Status | None = None,
        verdicts: tuple[Verdict, ...] = (),
    ) -> None:
        entry = Entry(
            at=self.clock.time(), actor=actor, kind=kind, text=text, status=status, verdicts=verdicts
        )
        self.story.append((self._record().plan.id, entry))


@dataclass(frozen=True, kw_only=True)
class FakeWorld(World):
    """All fakes of one model, over one cluster."""

    cluster: Cluster
    traffic: FakeTraffic
    fleet: FakeFleet
    schedules: FakeSchedules
    records: FakeRecords
    journal: FakeJournal
    clock: FakeClock
    metrics: FakeMetrics | None = None

    @property
    def status(self) -> Status:
        """Where the rollout is, by the journal."""
        assert self.journal.current
        return self.journal.current.status

    @property
    def changes(self) -> int:
        """How many mutations were carried out."""
        ports: tuple[Failing, ...] = (self.traffic, self.fleet, self.schedules, self.records)
        return sum(len(port.calls) for port in ports)


def fake_world(
    plan: Plan | None = None,
    *,
    old: Behaviour | None = None,
    new: Behaviour | None = None,
    rate: float = 400.0,
    judged: bool = True,
) -> FakeWorld:
    """A model whose rollout has begun and isn't driven yet; the releases behave as said, or well."""
    plan = plan or a_plan()
    cluster = Cluster(plan)
    clock = FakeClock(cluster=cluster)
    journal = FakeJournal(clock=clock)
    journal.begin(plan, Status(phase=Phase.PREPARING, since=cluster.now))
    traffic = FakeTraffic(cluster=cluster)
    metrics = FakeMetrics(traffic=traffic, rate=rate, old=old or Behaviour(), new=new or Behaviour())
    return FakeWorld(
        cluster=cluster,
        traffic=traffic,
        fleet=FakeFleet(cluster=cluster),
        schedules=FakeSchedules(cluster=cluster),
        records=FakeRecords(cluster=cluster),
        journal=journal,
        clock=clock,
        metrics=metrics if judged else None,
    )


def spot_group(slot: Slot) -> str:
    """Name of a slot's spot group."""
    return f"{slot}-{Market.SPOT}"
