"""The loop: observe, decide (`machine.step`), act. Once a second, and it never waits for telemetry.

Only effects are here. What needs no answer every second is asked less often: the metadata service and
the health of a serving engine every few seconds, in-flight requests only while draining.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from infra.agent.machine import (
    SERVES_ON,
    Action,
    Notice,
    Observation,
    Phase,
    Policy,
    State,
    Work,
    finished,
    step,
)
from infra.agent.ports import Engine, Fetcher, Group, Notices, Probe, Reporter, Telemetry

_LOG = logging.getLogger("agent")
_NOTICE_EVERY = 2.0
_HEALTH_EVERY = 5.0
_FLUSH_SECONDS = 5.0
_LAST_FIGURES_SECONDS = 2.0


@dataclass(kw_only=True)
class Agent:
    """One replica's keeper. `now` is a monotonic clock in seconds, `pause` waits for the next round."""

    policy: Policy
    notices: Notices
    fetcher: Fetcher
    engine: Engine
    probe: Probe
    group: Group
    reporter: Reporter
    telemetry: Telemetry
    now: Callable[[], float]
    pause: Callable[[], None]
    state: State = field(default_factory=State)
    _notice: Notice | None = None
    _notice_due: float = 0.0
    _health_due: float = 0.0
    _completed: bool = False
    _owed: dict[Action, Callable[[], bool]] = field(default_factory=dict)
    """Calls that AWS must hear: made again every round until it has."""

    def run(self) -> None:
        """Live until the instance is gone."""
        self.reporter.phase(Phase.BOOTING, "")
        while not self._safe_round():
            self.pause()
        self.reporter.flush(_FLUSH_SECONDS)

    def _safe_round(self) -> bool:
        try:
            return self.round()
        except Exception:  # noqa: BLE001 - the outermost loop: ending here would end a serving engine as well
            _LOG.exception("a round failed")
            return False

    def round(self) -> bool:
        """Observe, decide, act once; true when it is over."""
        seen = self._observe()
        before = self.state
        self.state, actions = step(before, seen, self.policy)
        self.telemetry.saw(before, self.state, actions)
        if (self.state.phase, self.state.detail) != (before.phase, before.detail):
            self._tell(before)
        self._owed = {action: call for action, call in self._owed.items() if not call()}
        for action in actions:
            self._perform(action)
        return finished(self.state, seen, self.policy)

    def _observe(self) -> Observation:
        now = self.now()
        if now >= self._notice_due:
            self._notice, self._notice_due = self.notices.current(now), now + _NOTICE_EVERY
        fetch, fetch_detail = self.fetcher.progress()
        engine, engine_detail = self.engine.poll()
        runs = engine is Work.RUNNING
        return Observation(
            now=now,
            fetch=fetch,
            fetch_detail=fetch_detail,
            engine=engine,
            engine_detail=engine_detail,
            healthy=self._health(now) if runs else None,
            in_flight=self.probe.in_flight() if runs and self._is_leaving() else None,
            notice=self._notice,
            terminate_completed=self._completed,
            standby=self.notices.standby,
        )

    def _is_leaving(self) -> bool:
        """From the first round on: a stop without a drain shall know, too, what it cuts."""
        return self._notice is not None or self.state.phase is Phase.DRAINING

    def _health(self, now: float) -> bool | None:
        waiting = self.state.phase is Phase.LOADING
        if not waiting and (self.state.phase is not Phase.HEALTHY or now < self._health_due):
            return None
        self._health_due = now + _HEALTH_EVERY
        return self.probe.healthy()

    def _tell(self, before: State) -> None:
        phase, detail = self.state.phase, self.state.detail
        self.reporter.phase(Phase.DRAINING if phase is Phase.GONE else phase, detail)
        if phase is before.phase:
            if detail == SERVES_ON:
                self.reporter.event("notice", detail)
            return
        level = logging.WARNING if phase is Phase.FAILED else logging.INFO
        _LOG.log(level, "phase", extra={"fields": {"phase": phase.value, "detail": detail}})
        self.reporter.event(phase.value, detail)
        if phase is Phase.DRAINING:
            self.fetcher.cancel()
            self._owed.clear()
        if self.state.cut_off:
            _LOG.warning("cut off", extra={"fields": {"detail": self.state.cut_off}})
            self.reporter.event("cut off", self.state.cut_off)
        if phase is Phase.GONE:
            # The instance may be taken the moment the hook completes: say the last word before that.
            self.telemetry.flush(_LAST_FIGURES_SECONDS)
            self.reporter.flush(_FLUSH_SECONDS)

    def _perform(self, action: Action) -> None:
        _LOG.debug("action", extra={"fields": {"action": action.value}})
        match action:
            case Action.FETCH:
                self.fetcher.start()
            case Action.START_ENGINE:
                self.engine.start()
            case Action.STOP_ENGINE:
                self.engine.stop()
            case Action.KILL_ENGINE:
                self.engine.kill()
            case Action.PROLONG_LAUNCH:
                self.group.prolong_launch()
            case Action.COMPLETE_TERMINATION:
                self._completed = self.group.complete_termination()
            case Action.DEREGISTER:
                self._insist(action, self.group.deregister)
            case Action.CONTINUE_LAUNCH | Action.ABANDON_LAUNCH:
                healthy = action is Action.CONTINUE_LAUNCH
                self._insist(action, partial(self.group.complete_launch, healthy))

    def _insist(self, action: Action, call: Callable[[], bool]) -> None:
        if not call():
            self._owed[action] = call
