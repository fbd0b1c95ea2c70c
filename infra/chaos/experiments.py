"""Chaos by AWS's Fault Injection Service: spot takes instances that AWS chooses, with its own notice."""

from dataclasses import dataclass
from typing import Protocol

from infra.chaos.types import Injection, Sighting, Suite, Take, Who
from infra.errors import LlmctlError, Refused

NOTICE_SECONDS = 120.0
"""What the service's notices leave."""
OFFERED = (Who.ONE, Who.HALF, Who.ALL)
"""What there are experiments for."""
_LOOKS = 30
_FAILED = ("failed", "stopped", "cancelled")


class Experiments(Protocol):
    """What is used of `infra.aws.experiments.Experiments`."""

    def start(self, who: str) -> str:
        """Its id."""

    def state(self, experiment: str) -> tuple[str, str]:
        """State and reason."""

    def instances(self, experiment: str) -> tuple[str, ...]:
        """Whom it takes."""


class Clock(Protocol):
    """Time."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


def check(suite: Suite) -> None:
    """Raise `Refused` for what the service can't do."""
    for step in suite.steps:
        do = step.do
        if not (isinstance(do, Take) and do.notice == NOTICE_SECONDS and do.who in OFFERED):
            raise Refused(
                f"the Fault Injection Service can't do this of {suite.name}: {do.words}",
                hint=f"it takes {', '.join(OFFERED)} with two minutes' notice; the embedded cloud can do all",
            )


@dataclass(frozen=True)
class ExperimentInject:
    """Implements `infra.chaos.drive.Inject`. There is nothing to undo: a notice can't be taken back."""

    experiments: Experiments
    clock: Clock

    def start(self, injection: Injection, seen: Sighting | None, seed: int) -> tuple[str, ...]:
        """Start an experiment, and wait until AWS has chosen. Raises LlmctlError if the experiment fails."""
        assert isinstance(injection, Take), "checked before the run"
        experiment = self.experiments.start(injection.who)
        for _ in range(_LOOKS):
            state, reason = self.experiments.state(experiment)
            if state in _FAILED:
                raise LlmctlError(f"experiment {experiment} {state}: {reason}")
            if state not in ("pending", "initiating") and (hit := self.experiments.instances(experiment)):
                return hit
            self.clock.sleep(1.0)
        raise LlmctlError(f"experiment {experiment} hit nobody within {_LOOKS} s")

    def stop(self, injection: Injection) -> None:
        """Nothing lasts."""
