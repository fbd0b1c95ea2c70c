"""When requests leave: decided before the first one does, so that no answer can shift the rest.

It refuses to know anything of the server: a schedule depends on rate, kind, length and seed alone.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from math import inf


class Arrivals(StrEnum):
    """How requests are spaced."""

    CONSTANT = "constant"
    """Evenly."""
    POISSON = "poisson"
    """As independent users come: exponential gaps, so bunches and pauses."""


@dataclass(frozen=True)
class Schedule:
    """Offsets in seconds from the start of the run, rising."""

    offsets: tuple[float, ...]
    begin: float
    """Start of the measured window: requests before it warm up."""
    end: float
    """End of the measured window; no request leaves at or after it."""

    @property
    def measured(self) -> int:
        """Requests in the measured window."""
        return sum(offset >= self.begin for offset in self.offsets)


def plan(
    arrivals: Arrivals, *, rate: float, warmup: float, duration: float | None, requests: int | None, seed: int
) -> Schedule:
    """Warm-up, then a window of `duration` seconds or of so many `requests`, whichever ends first.

    A window of N requests ends when the next one would leave, so that N by its length is the rate.
    `rate` in requests per second. Raises ValueError when nothing bounds the run.
    """
    if duration is None and requests is None:
        raise ValueError("a run needs a duration or a number of requests")
    latest = inf if duration is None else warmup + duration
    offsets: list[float] = []
    measured = 0
    arriving = _arrivals(arrivals, rate, seed)
    while (offset := next(arriving)) < latest and measured != requests:
        offsets.append(offset)
        measured += offset >= warmup
    return Schedule(tuple(offsets), warmup, min(offset, latest))


def _arrivals(arrivals: Arrivals, rate: float, seed: int) -> Iterator[float]:
    if arrivals is Arrivals.CONSTANT:
        # Multiplied, not added up: the millionth request is as exact as the first.
        yield from (number / rate for number in count())
    source = random.Random(f"arrivals {seed}")  # noqa: S311 - chance, not secrets
    offset = 0.0
    while True:
        offset += source.expovariate(rate)
        yield offset
