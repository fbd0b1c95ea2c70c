"""Drives a rollout: looks, decides, writes what it is about to do, does it, and looks again.

Every round starts from the journal and from the world as they are, and ends with one move; so a driver may
die anywhere, and whoever comes next goes on. Only who holds the lease changes anything: the lease is made to
outlast a change before that is made, and every write of the journal fails once the lease is lost. AWS's own
calls know no fencing token, so a driver that stood still for a whole lease just before one could still land
it: that sets an absolute value, and the next driver sees it.

Refuses to decide: `policy` does. Has no thread: every call of a port is bounded.
"""

from collections.abc import Callable
from contextlib import suppress

from infra.errors import ExitCode, LlmctlError
from infra.rollout.errors import HeldError, LeaseLostError
from infra.rollout.judging import Judging, watched
from infra.rollout.observing import observe
from infra.rollout.policy import decide
from infra.rollout.ports import Lease, Record, World
from infra.rollout.setbacks import Setbacks
from infra.rollout.types import (
    Act,
    Cause,
    Decision,
    Enter,
    Finished,
    Halt,
    MakeLive,
    MoveSchedules,
    Mutation,
    Observation,
    Phase,
    Pin,
    Plan,
    Progress,
    Request,
    Resize,
    SetWeights,
    Status,
    Verdict,
    Wait,
)

Watch = Callable[[Progress], None]

_SLICE = 1.0
"""Seconds of sleep at most: somebody's wish is seen by then."""
_SHORTEST = 0.05
_REPEAT_AFTER = 5.0
"""Seconds until the same change is made again: reads of AWS lag behind."""
_LEFT = 5 / 6
"""Share of the lease that must be left before each change: of a minute, as long as a call may take."""


def drive(
    world: World,
    holder: str,
    *,
    watch: Watch,
    lease_seconds: float = 60.0,
    deadline: float | None = None,
) -> Status:
    """Drive the model's rollout until it has nothing more to do just now, and say where it is then.

    It returns when the rollout has ended, keeps the old release warm, or pauses because the gates could not
    tell; and from `deadline` (epoch seconds) on wherever it is, to be driven on later. `watch` is called
    before each move. The lease is let go however this ends.

    Raises `HeldError` while another driver lives (one that is gone is waited for until its lease has run
    out), `LeaseLostError` when another one took over, `LlmctlError` with code CONFLICT when somebody else
    changed what the rollout made, and any error that lasts: the rollout then holds, and may be driven on.
    """
    record = _record(world)
    if record.status.phase.ended:
        return record.status
    lease = _take_lease(world, holder, lease_seconds, deadline)
    driver = _Driver(world, lease, lease_seconds, watch, deadline)
    try:
        return driver.run()
    finally:
        # What can't be given back runs out by itself.
        with suppress(LlmctlError):
            world.journal.let_go(driver.lease)


def look(world: World, now: float) -> Progress | None:
    """Where the model's rollout is, for those who only watch; None when it never had one.

    Raises `LlmctlError` when the journal can't be read. What the gates said is the driver's word.
    """
    record = world.journal.read()
    if record is None:
        return None
    seen: Observation | None = None
    with suppress(LlmctlError):
        verdicts = _last_verdicts(world, record)
        seen = observe(world, record.plan, request=record.request, verdicts=verdicts)
    lease = record.lease
    driver = lease.holder if lease and lease.until > now else ""
    return Progress(plan=record.plan, status=record.status, seen=seen, decision=None, driver=driver, now=now)


def _record(world: World) -> Record:
    record = world.journal.read()
    if record is None:
        raise LlmctlError("this model has no rollout", hint="`llmctl upgrade` starts one")
    return record


def _last_verdicts(world: World, record: Record) -> tuple[Verdict, ...]:
    plan, status = record.plan, record.status
    if not watched(plan, status):
        return ()
    since = status.since if status.shifted_at is None else status.shifted_at
    judged = [each for each in world.journal.entries(plan.id) if each.kind == "judged" and each.at >= since]
    return judged[-1].verdicts if judged else ()


def _take_lease(world: World, holder: str, seconds: float, deadline: float | None) -> Lease:
    """Take the lease; over a driver that is gone, once its lease has run out. Who renews it is alive."""
    first: Lease | None = None
    while True:
        try:
            return world.journal.acquire(holder, seconds)
        except HeldError:
            held = _record(world).lease
            if deadline is not None and world.clock.time() >= deadline:
                raise
            if held and first and (held.token, held.until) != (first.token, first.until):
                raise
            first = held or first
            world.clock.sleep(_SLICE)


class _Driver:
    """Who holds the lease."""

    def __init__(
        self, world: World, lease: Lease, lease_seconds: float, watch: Watch, deadline: float | None
    ) -> None:
        self.lease = lease
        self._world = world
        self._seconds = lease_seconds
        self._watch = watch
        self._deadline = deadline
        self._judging = Judging(world)
        self._setbacks = Setbacks(longest=lease_seconds / 4)
        self._made: dict[str, float] = {}
        """When each change was made last."""

    def run(self) -> Status:
        """Round after round, until one has nothing left to do."""
        while True:
            try:
                ended = self._round()
            except LlmctlError as error:
                now = self._world.clock.time()
                pause = self._setbacks.pause(error, now)
                if self._late(now):
                    raise
                self._world.clock.sleep(pause)
            else:
                self._setbacks.over()
                if ended:
                    return ended

    def _round(self) -> Status | None:
        """One look and one move; the status when this driver's work is done."""
        record = self._read()
        plan, status = record.plan, record.status
        self._keep_lease()
        if record.intent:
            note = f"the outcome of '{record.intent}' was unknown: reality is read again"
            self._world.journal.note(self.lease, note)
        verdicts = self._judging.verdicts(plan, status, self.lease)
        seen = observe(self._world, plan, request=record.request, verdicts=verdicts)
        now = self._world.clock.time()
        decision = decide(plan, status, seen, now)
        self._show(plan, status, seen, decision, now)
        if _rests(status, decision) or self._late(now):
            return status
        self._carry_out(decision, record.request)
        return None

    def _read(self) -> Record:
        """The journal's record; raises `LeaseLostError` when it belongs to somebody else."""
        record = _record(self._world)
        if record.lease is None or record.lease.token != self.lease.token:
            raise LeaseLostError(record.plan.model)
        return record

    def _keep_lease(self) -> None:
        """Make the lease outlast the next call, whatever that is."""
        if self._runs_short():
            self.lease = self._world.journal.renew(self.lease, self._seconds)

    def _runs_short(self) -> bool:
        return self.lease.until - self._world.clock.time() < self._seconds * _LEFT

    def _show(self, plan: Plan, status: Status, seen: Observation, decision: Decision, now: float) -> None:
        driver = self.lease.holder
        self._watch(Progress(plan=plan, status=status, seen=seen, decision=decision, driver=driver, now=now))

    def _late(self, now: float) -> bool:
        return self._deadline is not None and now >= self._deadline

    def _carry_out(self, decision: Decision, request: Request | None) -> None:
        match decision:
            case Act(mutation=mutation):
                self._act(mutation, request)
            case Enter(status=status):
                self._world.journal.enter(self.lease, status)
            case Wait(seconds=seconds, until=until):
                self._wait(seconds, until, request)
            case Halt(why=why):
                self._world.journal.note(self.lease, f"stopped: {why}")
                raise _halted(why)

    def _act(self, mutation: Mutation, request: Request | None) -> None:
        """Announce a change, make it, and say how that went."""
        name, journal = str(mutation), self._world.journal
        if self._world.clock.time() - self._made.get(name, float("-inf")) < _REPEAT_AFTER:
            self._wait(_SLICE, None, request)
            return
        self._keep_lease()
        journal.intend(self.lease, mutation)
        self._keep_lease()
        if self._runs_short():
            journal.done(self.lease, mutation, "not made: announcing it took too long")
            return
        try:
            _change(self._world, mutation)
        except LlmctlError as error:
            unknown = error.code is ExitCode.OUTCOME_UNKNOWN
            journal.done(self.lease, mutation, f"{'unknown' if unknown else 'failed'}: {error.message}")
            raise
        self._made[name] = self._world.clock.time()
        journal.done(self.lease, mutation, "done")

    def _wait(self, seconds: float, until: float | None, request: Request | None) -> None:
        """Sleep, but not past `until`, the deadline, or a new wish."""
        clock = self._world.clock
        now = clock.time()
        ends = [end for end in (now + seconds, until, self._deadline) if end is not None and end > now]
        end = max(min(ends), now + _SHORTEST)
        while (left := end - clock.time()) > 0:
            clock.sleep(min(left, _SLICE))
            if left > _SLICE and self._read().request != request:
                return


def _halted(why: str) -> LlmctlError:
    """Somebody else changed what the rollout made: no reason to try again."""
    return LlmctlError(
        why,
        hint="nothing was touched; set the weights back and `llmctl resume`, or `llmctl abort`, "
        "which gives all the traffic to the old release",
        code=ExitCode.CONFLICT,
    )


def _rests(status: Status, decision: Decision) -> bool:
    """Whether nothing is to be done until somebody wants something, or a long time has passed."""
    unsure = status.phase is Phase.PAUSED and status.cause is Cause.INCONCLUSIVE
    resting = status.phase is Phase.KEEPING or unsure
    return isinstance(decision, Finished) or (resting and isinstance(decision, Wait))


def _change(world: World, mutation: Mutation) -> None:
    match mutation:
        case SetWeights(weights=weights):
            world.traffic.set_weights(weights)
        case Pin(group=group, release=release):
            world.fleet.pin(group, release)
        case Resize(group=group, minimum=minimum, desired=desired):
            world.fleet.resize(group, minimum=minimum, desired=desired)
        case MoveSchedules(slot=slot):
            world.schedules.move(slot)
        case MakeLive(slot=slot, release=release):
            world.records.make_live(slot, release)
