"""What the agent does next: a pure function of its state and what it observes.

One `step` looks at everything at once - weights, engine, health, notices - and returns the next state and the
actions to take. Nothing here waits, calls or reads a clock: `agent.py` does that, once a second, and a test
can replay any life of an instance in microseconds. All times are seconds on one monotonic clock.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class Phase(StrEnum):
    """Where the replica is in its life. GONE is the end of the agent and is reported as draining."""

    BOOTING = "booting"
    FETCHING = "fetching"
    LOADING = "loading"
    HEALTHY = "healthy"
    DRAINING = "draining"
    FAILED = "failed"
    GONE = "gone"


class Work(StrEnum):
    """Something that runs beside the loop: fetching, or the engine."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class NoticeKind(StrEnum):
    """Why the instance must go."""

    TERMINATED = "terminated"
    SPOT = "spot"
    STOPPED = "stopped"
    """The service was stopped by hand or by a shutdown: no time to drain, no hook to complete."""


class Action(StrEnum):
    """What the loop shall do."""

    FETCH = "fetch"
    START_ENGINE = "start engine"
    STOP_ENGINE = "stop engine"
    KILL_ENGINE = "kill engine"
    CONTINUE_LAUNCH = "continue launch"
    ABANDON_LAUNCH = "abandon launch"
    PROLONG_LAUNCH = "prolong launch"
    DEREGISTER = "deregister"
    COMPLETE_TERMINATION = "complete termination"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How patient the agent is, in seconds (and counts)."""

    drain_seconds: float
    settle_seconds: float = 5.0
    """Before the first look at in-flight requests: the balancer still sends some after a deregistration."""
    stop_seconds: float = 15.0
    """Between SIGTERM and SIGKILL."""
    notice_margin: float = 25.0
    """Kept free before a spot instance is taken: for stopping the engine and saying goodbye."""
    first_retry: float = 5.0
    longest_retry: float = 300.0
    steady_seconds: float = 300.0
    """Healthy for so long, and earlier failures are forgiven."""
    launch_attempts: int = 3
    """Failed starts before the first health after which the group shall replace the instance."""
    prolong_every: float = 60.0
    prolong_for: float = 3600.0
    """A load that takes longer is a failed launch: the hook then runs out."""
    goodbye_every: float = 5.0
    goodbye_for: float = 30.0


@dataclass(frozen=True)
class Notice:
    """The instance must go; at `deadline` it is taken (None: not known)."""

    kind: NoticeKind
    deadline: float | None = None
    retired: bool = False
    """The group already takes it out: another one serves in its place, or none is wanted."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What is true now."""

    now: float
    fetch: Work = Work.IDLE
    fetch_detail: str = ""
    engine: Work = Work.IDLE
    """DONE or FAILED: it exited by itself (with status 0 or another), or when asked to."""
    engine_detail: str = ""
    healthy: bool | None = None
    """None: not asked in this round."""
    in_flight: int | None = None
    """Requests running and waiting; None: not known."""
    notice: Notice | None = None
    terminate_completed: bool = False
    standby: bool = False
    """Whether the instance is to be stopped as soon as it is ready, and started when it is needed."""


@dataclass(frozen=True, kw_only=True)
class State:
    """Where the agent is. `since` is when the phase began."""

    phase: Phase = Phase.BOOTING
    detail: str = ""
    since: float = 0.0
    served: bool = False
    """The engine has been healthy at least once, so the balancer may know this instance."""
    failures: int = 0
    retry_at: float = 0.0
    unhealthy_probes: int = 0
    launch_settled: bool = False
    """The launch hook was completed, one way or the other."""
    standing_by: bool = False
    """Everything is on the disk, and the group was told so."""
    launched_at: float = 0.0
    prolonged_at: float = 0.0
    notice: Notice | None = None
    drain_until: float = 0.0
    stop_sent_at: float | None = None
    killed: bool = False
    in_flight: int | None = None
    """Requests that ran when it was last known, since the drain began."""
    cut_off: str = ""
    """What is known of requests that the drain didn't wait for; empty when each of them could end."""
    goodbye_at: float = 0.0


Step = tuple[State, tuple[Action, ...]]

_UNHEALTHY_AFTER = 3


def step(state: State, seen: Observation, policy: Policy) -> Step:
    """The next state, and what to do on the way there."""
    if state.phase is not Phase.GONE and seen.notice and _outranks(seen.notice, state.notice):
        if _may_serve_on(state, seen.notice, seen.now, policy):
            return _serve_on(state, seen, policy)
        return _begin_draining(state, seen, policy)
    return _STEPS[state.phase](state, seen, policy)


def finished(state: State, seen: Observation, policy: Policy) -> bool:
    """Whether the agent may end: the goodbye was heard, or nobody is there to hear it."""
    if state.phase is not Phase.GONE or state.notice is None:
        return False
    stopped = seen.notice is not None and seen.notice.kind is NoticeKind.STOPPED
    if seen.terminate_completed or stopped or state.notice.kind is NoticeKind.STOPPED:
        return True
    return seen.now >= max(state.since + policy.goodbye_for, state.notice.deadline or 0.0)


def _outranks(new: Notice, known: Notice | None) -> bool:
    return known is None or _URGENCY.index(new.kind) > _URGENCY.index(known.kind)


def _enter(state: State, phase: Phase, now: float, detail: str = "") -> State:
    since = state.since if phase is state.phase else now
    return replace(state, phase=phase, detail=detail, since=since)


def _booting(state: State, seen: Observation, policy: Policy) -> Step:
    begun = replace(state, launched_at=seen.now, prolonged_at=seen.now)
    return _enter(begun, Phase.FETCHING, seen.now), (Action.FETCH,)


def _fetching(state: State, seen: Observation, policy: Policy) -> Step:
    if seen.fetch is Work.DONE and seen.standby:
        return _stand_by(state)
    if state.standing_by:  # needed before it was stopped: the group waits for it a second time
        state = replace(state, standing_by=False, launch_settled=False)
    if seen.fetch is Work.DONE:
        return _enter(state, Phase.LOADING, seen.now), (Action.START_ENGINE,)
    if seen.fetch is Work.FAILED:
        return _fail(state, seen.fetch_detail, seen.now, policy)
    return _prolong(replace(state, detail=seen.fetch_detail), seen, policy)


def _stand_by(state: State) -> Step:
    if state.standing_by:
        return state, ()
    return replace(state, standing_by=True, launch_settled=True, detail=STANDS_BY), (Action.CONTINUE_LAUNCH,)


def _loading(state: State, seen: Observation, policy: Policy) -> Step:
    if seen.engine in (Work.DONE, Work.FAILED):
        return _fail(state, seen.engine_detail, seen.now, policy)
    if seen.healthy:
        actions = () if state.launch_settled else (Action.CONTINUE_LAUNCH,)
        healthy = replace(state, served=True, launch_settled=True, unhealthy_probes=0)
        return _enter(healthy, Phase.HEALTHY, seen.now), actions
    return _prolong(state, seen, policy)


def _healthy(state: State, seen: Observation, policy: Policy) -> Step:
    if seen.engine in (Work.DONE, Work.FAILED):
        steady = seen.now - state.since >= policy.steady_seconds
        return _fail(replace(state, failures=0) if steady else state, seen.engine_detail, seen.now, policy)
    if seen.healthy is None:
        return state, ()
    misses = 0 if seen.healthy else state.unhealthy_probes + 1
    counted = replace(state, unhealthy_probes=misses)
    if misses >= _UNHEALTHY_AFTER:
        # Not restarted from here: the balancer sees the same and the group replaces what stays unhealthy.
        return _enter(counted, Phase.LOADING, seen.now, "the engine runs but fails its health check"), ()
    return counted, ()


def _failed(state: State, seen: Observation, policy: Policy) -> Step:
    if seen.now < state.retry_at:
        return state, ()
    if seen.fetch is Work.DONE:
        return _enter(state, Phase.LOADING, seen.now, _attempt(state)), (Action.START_ENGINE,)
    return _enter(state, Phase.FETCHING, seen.now, _attempt(state)), (Action.FETCH,)


def _attempt(state: State) -> str:
    return f"attempt {state.failures + 1}"


def _fail(state: State, detail: str, now: float, policy: Policy) -> Step:
    failures = state.failures + 1
    delay = min(policy.first_retry * 2.0 ** (failures - 1), policy.longest_retry)
    failed = replace(_enter(state, Phase.FAILED, now, detail), failures=failures, retry_at=now + delay)
    if failures >= policy.launch_attempts and not state.launch_settled:
        return replace(failed, launch_settled=True), (Action.ABANDON_LAUNCH,)
    return failed, ()


def _prolong(state: State, seen: Observation, policy: Policy) -> Step:
    due = seen.now - state.prolonged_at >= policy.prolong_every
    if state.launch_settled or not due or seen.now - state.launched_at > policy.prolong_for:
        return state, ()
    return replace(state, prolonged_at=seen.now), (Action.PROLONG_LAUNCH,)


def _may_serve_on(state: State, notice: Notice, now: float, policy: Policy) -> bool:
    """Whether a spot notice leaves more time than a drain takes, and nobody serves in this one's place yet.

    The market may give notice to a whole fleet at once: if all left at once, nobody would serve meanwhile.
    """
    if notice.kind is not NoticeKind.SPOT or notice.retired or notice.deadline is None:
        return False
    drain_at = notice.deadline - policy.notice_margin - policy.drain_seconds
    return state.phase is Phase.HEALTHY and now < drain_at


def _serve_on(state: State, seen: Observation, policy: Policy) -> Step:
    after, actions = _healthy(state, seen, policy)
    return (replace(after, detail=SERVES_ON) if after.phase is Phase.HEALTHY else after), actions


def _begin_draining(state: State, seen: Observation, policy: Policy) -> Step:
    notice = seen.notice
    assert notice is not None
    budget = policy.drain_seconds if state.served and notice.kind is not NoticeKind.STOPPED else 0.0
    until = seen.now + budget
    if notice.deadline is not None:
        until = min(until, notice.deadline - policy.notice_margin)
    if state.phase is Phase.DRAINING:
        until = min(until, state.drain_until)
    draining = _enter(state, Phase.DRAINING, seen.now, _REASONS[notice.kind])
    draining = replace(draining, notice=notice, drain_until=until)
    after, actions = _draining(draining, seen, policy)
    if notice.kind is NoticeKind.SPOT:
        actions = (Action.DEREGISTER, *actions)
    return after, actions


def _draining(state: State, seen: Observation, policy: Policy) -> Step:
    assert state.notice is not None
    if seen.engine is not Work.RUNNING:
        return _ended(state, seen.now), ()
    if seen.in_flight is not None:
        state = replace(state, in_flight=seen.in_flight)
    if state.stop_sent_at is not None:
        late = seen.now >= state.stop_sent_at + policy.stop_seconds
        return (replace(state, killed=True), (Action.KILL_ENGINE,)) if late else (state, ())
    settled = seen.now >= state.since + policy.settle_seconds
    if seen.now >= state.drain_until or (settled and seen.in_flight == 0):
        return replace(state, stop_sent_at=seen.now), (Action.STOP_ENGINE,)
    return state, ()


def _ended(state: State, now: float) -> State:
    cut = _cut_off(state, now)
    ended = "stopped, and kept on standby" if state.standing_by else "the engine has stopped"
    detail = "; ".join(filter(None, (ended, cut)))
    return replace(_enter(state, Phase.GONE, now, detail), cut_off=cut)


def _cut_off(state: State, now: float) -> str:
    """A number is sure only after SIGKILL: an engine that ended by itself may have finished some since."""
    after = f"after {now - state.since:.0f} s"
    if not state.served or state.in_flight == 0:
        return ""
    if state.in_flight is None:
        # Not asked to stop: it had crashed before the notice, and that was told then.
        return "" if state.stop_sent_at is None else f"not known whether requests were cut off {after}"
    count = f"{state.in_flight} request{'s' if state.in_flight > 1 else ''}"
    return f"{'' if state.killed else 'up to '}{count} cut off {after}"


def _gone(state: State, seen: Observation, policy: Policy) -> Step:
    """Complete the terminate hook, again until it is heard: the group may open it only later."""
    if finished(state, seen, policy) or seen.now < state.goodbye_at:
        return state, ()
    return replace(state, goodbye_at=seen.now + policy.goodbye_every), (Action.COMPLETE_TERMINATION,)


STANDS_BY = "on standby: all that the engine needs is on the disk"
SERVES_ON = "the spot market takes this instance: it serves until another one does, or its drain must begin"
_REASONS = {
    NoticeKind.SPOT: "the spot market takes this instance",
    NoticeKind.TERMINATED: "the group terminates this instance",
    NoticeKind.STOPPED: "the agent was told to stop",
}
_STEPS = {
    Phase.BOOTING: _booting,
    Phase.FETCHING: _fetching,
    Phase.LOADING: _loading,
    Phase.HEALTHY: _healthy,
    Phase.FAILED: _failed,
    Phase.DRAINING: _draining,
    Phase.GONE: _gone,
}
_URGENCY = (NoticeKind.TERMINATED, NoticeKind.SPOT, NoticeKind.STOPPED)
