"""When the gates are asked, and over which stretch of time; what they say is `gates`' business.

What can't be measured is passed on to the gates as nothing measured, so that they say "inconclusive": a
rollout must never go on because nobody looked. Both releases are compared over the same time as long as both
have traffic; once the new one has all of it, with the old one as it was when it had all.
"""

from dataclasses import dataclass, field, replace

from infra.errors import LlmctlError
from infra.rollout.gates import judge, share
from infra.rollout.measured import Measured, Measurements, Window
from infra.rollout.ports import Lease, World
from infra.rollout.types import Phase, Plan, Status, Verdict
from infra.rollout.world import FULL

_WATCHED = (Phase.SCALING, Phase.BAKING, Phase.PAUSED)
_SETTLING = 5.0
"""Samples of so many seconds after a shift are left out, where the balancer takes time to carry weights."""
_WRITE_EVERY = 30.0
"""Seconds between two entries that say the same."""


def watched(plan: Plan, status: Status) -> bool:
    """Whether the new release has traffic to be judged by."""
    return status.phase in _WATCHED and status.weight > 0 and plan.steps[status.step].bake > 0


def fraction(plan: Plan, status: Status, now: float) -> float:
    """Share of the bake that has passed, at most 1. Outside of the bake: since the weight was set."""
    began = status.since if status.phase is Phase.BAKING else status.shifted_at or status.since
    return min(1.0, max(0.0, now - began) / plan.steps[status.step].bake)


def window(plan: Plan, status: Status, now: float) -> Window:
    """From when the weight had arrived until now; empty just after a shift."""
    shifted = status.since if status.shifted_at is None else status.shifted_at
    return Window(since=min(now, shifted + min(plan.propagation, _SETTLING)), until=now)


def window_before(plan: Plan, status: Status) -> Window:
    """While the old release had all the traffic: as long as this step may take, before the first shift."""
    until = status.since if status.first_shift is None else status.first_shift
    return Window(since=until - plan.steps[status.step].bake - plan.patience, until=until)


@dataclass
class Judging:
    """Asks the gates in time, keeps what they said, and writes it down when it changes."""

    world: World
    _verdicts: tuple[Verdict, ...] = ()
    _of: object = None
    """What the verdicts belong to: those of another phase, or of an unfinished bake, say nothing."""
    _at: float = 0.0
    _written: tuple[object, float] = field(default=(None, 0.0))
    _blind: bool = False

    def verdicts(self, plan: Plan, status: Status, lease: Lease) -> tuple[Verdict, ...]:
        """What the gates say, at most `plan.judge_every` old; empty while nothing is judged.

        Raises `LlmctlError` when it can't be written down.
        """
        if not watched(plan, status):
            return ()
        now = self.world.clock.time()
        passed = fraction(plan, status, now)
        belongs = (status.phase, status.since, passed >= 1.0)
        if self._of == belongs and now - self._at < plan.judge_every:
            return self._verdicts
        self._verdicts = self._judge(plan, status, lease, now)
        self._of, self._at = belongs, now
        self._write(status, lease, now)
        return self._verdicts

    def _judge(self, plan: Plan, status: Status, lease: Lease, now: float) -> tuple[Verdict, ...]:
        measurements = self._measure(plan, window(plan, status, now), lease)
        # Where the traffic goes is a matter of now, whoever is compared with.
        carried = share(measurements, status.weight)
        if status.weight == FULL and not plan.asleep:
            before = self._measure(plan, window_before(plan, status), lease)
            measurements = replace(measurements, old=before.old)
        passed = fraction(plan, status, now)
        return (carried, *judge(plan.gates, measurements, fraction=passed, alone=plan.asleep))

    def _measure(self, plan: Plan, stretch: Window, lease: Lease) -> Measurements:
        nothing = Measurements(window=stretch, old=Measured(), new=Measured())
        if self.world.metrics is None or stretch.until <= stretch.since:
            return nothing
        try:
            measured = self.world.metrics.measure(plan, stretch)
        except LlmctlError as error:
            if not self._blind:
                self.world.journal.note(lease, f"metrics can't be read: {error.message}")
            self._blind = True
            return nothing
        self._blind = False
        return measured

    def _write(self, status: Status, lease: Lease, now: float) -> None:
        said = (status.phase, tuple((verdict.gate, verdict.answer) for verdict in self._verdicts))
        before, at = self._written
        if said == before and now - at < _WRITE_EVERY:
            return
        self.world.journal.judged(lease, status, self._verdicts)
        self._written = (said, now)
