"""What releases did, in numbers: what the gates judge by, and whoever measures hands over."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Times of requests, as a ladder of percentiles: CloudWatch keeps distributions, not samples."""

    count: int
    ladder: tuple[tuple[float, float], ...] = ()
    """(percentile 0..100, value), rising in both."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one release did over a window. None: not measured, which is not zero."""

    requests: int | None = None
    direct: int | None = 0
    """Of these, golden prompts that went straight to it, past the weights; None: nobody knows how many."""
    errors: int | None = None
    engine_failures: int | None = None
    times: Mapping[str, Distribution] = field(default_factory=dict)
    """By measure: latency, ttft, tpot; seconds."""
    speeds: tuple[float, ...] = ()
    """Tokens a second and request in flight, one for each period of the window."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Of answers to golden prompts, 0 to 1, by the prompt's id."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The same stretch of time for both releases."""

    since: float
    until: float


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Both releases over one window."""

    window: Window
    old: Measured
    new: Measured
