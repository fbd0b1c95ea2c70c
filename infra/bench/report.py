"""The result of a run, and the schema of `llmctl bench --json`. Times in seconds, rates per second.

docs/bench.md explains each key; a test compares the two.
"""

from dataclasses import dataclass

from infra.bench.objective import Objective
from infra.bench.schedule import Arrivals


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Of all samples, not of buckets; percentiles by nearest rank, so each is a time that occurred."""

    count: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, kw_only=True)
class Latency:
    """The same moment, counted from when the request was due and from when it was sent.

    From the schedule is what users of a service at this rate feel.
    """

    from_schedule: Distribution | None
    from_send: Distribution | None


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release that took traffic."""

    slot: str
    release: int
    weight: int
    """Relative to the other slot's."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What was measured. Never the key."""

    url: str
    model: str
    environment: str | None = None
    releases_before: tuple[Release, ...] = ()
    releases_after: tuple[Release, ...] = ()
    """Both empty without an environment."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How it was measured: the same settings and seed make the same requests at the same times."""

    rate: float
    arrivals: Arrivals
    warmup: float
    duration: float | None
    requests: int | None
    """Bounds of the measured window; the one that is reached first ends it."""
    prompts: str
    """built-in, or the file."""
    max_tokens: int
    stream: bool
    timeout: float
    seed: int
    max_in_flight: int | None
    group_by: str | None
    objectives: tuple[Objective, ...]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Requests of the measured window."""

    scheduled: int
    sent: int
    succeeded: int
    failed: int
    unfinished: int
    """Given up by an interrupt: neither."""
    held_back: int
    """Delayed by --max-in-flight."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Requests per second in the measured window."""

    offered: float
    """As scheduled."""
    sent: float
    """As they left: lower than offered when the generator or --max-in-flight can't keep up."""
    achieved: float
    """Answers completed within the window, those to late requests of the warm-up included."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Tokens of the requests that succeeded."""

    counted_by: str
    """usage: by the server; chunks: content chunks of streams; mixed; none."""
    prompt: int | None
    """None: the server doesn't say."""
    generated: int | None
    prompt_per_second: float | None
    """Of answers completed within the window, as the achieved rate."""
    generated_per_second: float | None


@dataclass(frozen=True, kw_only=True)
class FailureCount:
    """Failures of one kind."""

    kind: str
    count: int
    example: str


@dataclass(frozen=True, kw_only=True)
class Good:
    """Requests that kept every objective; failed ones did not."""

    share: float
    """Of the requests that finished, 0 to 1."""
    rate: float
    """Per second of the window."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """The requests that one release, or one value of a header, served."""

    name: str
    succeeded: int
    failed: int
    ttft: Latency
    tpot: Distribution | None
    end_to_end: Latency


@dataclass(frozen=True, kw_only=True)
class Report:
    """All of it."""

    schema: str
    target: Target
    settings: Settings
    started: str
    """ISO 8601, UTC: the start of the warm-up."""
    window: float
    """Length of the measured window."""
    interrupted: bool
    warmup_requests: int
    requests: Counts
    rate: Rates
    schedule_delay: Distribution | None
    """Sent minus scheduled: the generator's own lag."""
    ttft: Latency
    tpot: Distribution | None
    stall: Distribution | None
    """The longest pause between chunks, of each answer."""
    end_to_end: Latency
    tokens: Tokens
    failures: tuple[FailureCount, ...]
    good: Good | None
    """None without objectives."""
    grouped_by: str
    """header NAME, release, or nothing."""
    groups: tuple[Group, ...]
    warnings: tuple[str, ...]

    @property
    def failed_percent(self) -> float:
        """Failures of the requests that finished; 0 when none did."""
        finished = self.requests.succeeded + self.requests.failed
        return 100 * self.requests.failed / finished if finished else 0.0
