"""What two releases of the cluster in memory would have measured, good or bad as a test wants them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.errors import LlmctlError
from infra.rollout.measured import Distribution, Measured, Measurements, Window
from infra.rollout.types import Plan

if TYPE_CHECKING:
    from tests.fakes.rollout import FakeTraffic


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What a release does with its requests."""

    errors: float = 0.0
    """Share of them that fail."""
    latency: float = 1.0
    """Seconds of a typical request; the first token takes a tenth, each other one a fiftieth."""
    engine_failures: int = 0
    speed: float = 50.0
    score: float = 0.9


@dataclass(kw_only=True)
class FakeMetrics:
    """Two releases that behave as scripted, under constant traffic that is split as the weights say."""

    traffic: "FakeTraffic"
    rate: float = 400.0
    """Requests a second, of both together."""
    old: Behaviour = Behaviour()
    new: Behaviour = Behaviour()
    fail_next: list[LlmctlError] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    """What was asked for."""

    def measure(self, plan: Plan, window: Window) -> Measurements:
        """As scripted."""
        if self.fail_next:
            raise self.fail_next.pop(0)
        self.windows.append(window)
        requests = self.rate * (window.until - window.since) / 100
        weights = {plan.old_slot: 100, plan.new_slot: 0}
        for at, shifted in self.traffic.shifts:
            weights = shifted if at <= window.since else weights
        old = _measured(self.old, round(requests * weights[plan.old_slot]))
        new = _measured(self.new, round(requests * weights[plan.new_slot]))
        return Measurements(window=window, old=old, new=new)


def _measured(behaviour: Behaviour, requests: int) -> Measured:
    if not requests:
        return Measured()
    times = {"latency": behaviour.latency, "ttft": behaviour.latency / 10, "tpot": behaviour.latency / 50}
    return Measured(
        requests=requests,
        errors=round(requests * behaviour.errors),
        engine_failures=behaviour.engine_failures,
        times={name: _spread(typical, requests) for name, typical in times.items()},
        speeds=tuple(behaviour.speed * factor for factor in (0.9, 0.95, 1.0, 1.05, 1.1)),
        scores={f"prompt-{number}": behaviour.score for number in range(20)},
    )


def _spread(typical: float, count: int) -> Distribution:
    ladder = tuple((float(percent), typical * (0.5 + percent / 100)) for percent in range(0, 101, 5))
    return Distribution(count=count, ladder=ladder)
