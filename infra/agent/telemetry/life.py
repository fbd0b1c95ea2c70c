"""What the agent itself knows about its replica: starts, failures, notices, and how long a cold start took.

Derived from the machine's states alone, so that the machine needs no thought of metrics. A cold start is told
once in an instance's life: an agent that was started again measures none.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from infra.agent import catalogue
from infra.agent.machine import Action, NoticeKind, Phase, State
from infra.agent.telemetry.tally import Tally


@dataclass
class Life:
    """One agent's view of its instance. All times in epoch seconds."""

    launched: float | None
    """When the instance was; None if it isn't known."""
    started: float
    """When the agent was."""
    cold: bool
    """Whether this is the first agent on the instance."""
    orphaned: bool = False
    """Whether an agent before this one ended without a word, and took its engine with it."""
    phase: Phase = Phase.BOOTING
    served: bool = False
    generation: int = 0
    """How many engines were started."""
    cold_start: dict[str, float] = field(default_factory=dict)
    """What was measured of the cold start, by metric."""
    _fetching_since: float | None = None
    _fetched: float = 0.0
    _engine_started: float | None = None
    _healthy_at: float | None = None

    def saw(self, before: State, after: State, actions: Collection[Action], at: float) -> Tally:
        """A round of the agent's loop."""
        told = Tally()
        if self.orphaned:
            self.orphaned = False
            told.count(catalogue.ENGINE_FAILURES.name, 1)
        self._time_fetching(after.phase, at)
        if Action.START_ENGINE in actions:
            self.generation += 1
            self._engine_started = at
        if _engine_failed(before, after):
            told.count(catalogue.ENGINE_FAILURES.name, 1)
        if _spot(after) and not _spot(before):
            told.count(catalogue.SPOT_NOTICES.name, 1)
        if after.phase is Phase.HEALTHY and not self.served:
            self.served = True
            self._healthy_at = at
            if self.cold:
                self._tell_cold_start(told, at)
        self.phase = after.phase
        return told

    def first_token(self, at: float) -> Tally:
        """A token was generated; only the first one matters."""
        told = Tally()
        if self.cold and self._healthy_at is not None:
            self._measured(told, catalogue.COLD_START_FIRST_TOKEN, max(0.0, at - self._healthy_at))
        self._healthy_at = None
        return told

    def age(self, at: float) -> float | None:
        """Seconds since the launch."""
        return None if self.launched is None else max(0.0, at - self.launched)

    def _time_fetching(self, phase: Phase, at: float) -> None:
        if phase is Phase.FETCHING and self._fetching_since is None:
            self._fetching_since = at
        elif phase is not Phase.FETCHING and self._fetching_since is not None:
            self._fetched += at - self._fetching_since
            self._fetching_since = None

    def _tell_cold_start(self, told: Tally, at: float) -> None:
        if self.launched is not None:
            self._measured(told, catalogue.COLD_START, max(0.0, at - self.launched))
            self._measured(told, catalogue.COLD_START_BOOT, max(0.0, self.started - self.launched))
        self._measured(told, catalogue.COLD_START_FETCH, self._fetched)
        if self._engine_started is not None:
            self._measured(told, catalogue.COLD_START_LOAD, at - self._engine_started)

    def _measured(self, told: Tally, metric: catalogue.Metric, seconds: float) -> None:
        self.cold_start[metric.name] = seconds
        told.value(metric.name, round(seconds, 3))


def _engine_failed(before: State, after: State) -> bool:
    """It ended by itself (while it loaded, served or drained), or it no longer answers."""
    if before.phase in (Phase.LOADING, Phase.HEALTHY) and after.phase is Phase.GONE:
        # Found dead in the very round in which the notice came; a stop by hand may have ended it, too.
        return after.notice is not None and after.notice.kind is not NoticeKind.STOPPED
    if before.phase in (Phase.LOADING, Phase.HEALTHY) and after.phase is Phase.FAILED:
        return True
    if before.phase is Phase.HEALTHY and after.phase is Phase.LOADING:
        return True
    return before.phase is Phase.DRAINING and after.phase is Phase.GONE and before.stop_sent_at is None


def _spot(state: State) -> bool:
    return state.notice is not None and state.notice.kind is NoticeKind.SPOT
