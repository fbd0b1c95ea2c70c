"""What a user is promised of one request, such as `ttft=500ms`; pure.

Judged per request and together: an answer whose first token came in time and whose rest crawled is not good.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from infra.bench.sample import Sample

_FORM = re.compile(r"(?P<measure>\w+)=(?P<number>\d+(\.\d+)?)(?P<unit>ms|s)")


class Measure(StrEnum):
    """What can be promised; times of users, so from the schedule."""

    TTFT = "ttft"
    """Time to the first token."""
    TPOT = "tpot"
    """Time per output token after the first."""
    E2E = "e2e"
    """The whole answer."""


@dataclass(frozen=True)
class Objective:
    """At most so many seconds."""

    measure: Measure
    seconds: float

    def met(self, sample: Sample) -> bool:
        """Whether a request kept it; one that failed did not, and one without such a time did."""
        if not sample.succeeded:
            return False
        value = measured(sample, self.measure)
        return value is None or value <= self.seconds


def parse(text: str) -> Objective:
    """An objective from MEASURE=TIME; raises ValueError."""
    match = _FORM.fullmatch(text)
    if not match or match["measure"] not in list(Measure):
        raise ValueError(f"{text!r} is not like ttft=500ms, tpot=50ms or e2e=2s")
    return Objective(
        Measure(match["measure"]), float(match["number"]) / (1000 if match["unit"] == "ms" else 1)
    )


def measured(sample: Sample, measure: Measure) -> float | None:
    """A time of a request, in seconds; None where there is none (not streamed, or too few tokens)."""
    match measure:
        case Measure.TTFT:
            return None if sample.first_token is None else sample.first_token - sample.scheduled
        case Measure.TPOT:
            return per_token(sample)
        case Measure.E2E:
            return None if sample.finished is None else sample.finished - sample.scheduled


def per_token(sample: Sample) -> float | None:
    """Seconds per output token after the first; None with fewer than two tokens or without a stream."""
    tokens = sample.generated or 0
    if sample.first_token is None or sample.last_token is None or tokens < 2:
        return None
    return (sample.last_token - sample.first_token) / (tokens - 1)
