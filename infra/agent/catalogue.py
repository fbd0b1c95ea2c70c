"""The metrics that replicas publish to CloudWatch: names, units, kinds, and on which level each is kept.

CloudWatch bills for every combination of name and dimensions, so each metric goes only to the levels on
which someone looks at it: alarms and dashboards on the model, target tracking on the slot, the judge of a
rollout on the release, diagnosis on the replica. Percentiles are true on every level, because times are
published as values with counts and not as averages. Shared by the agent, which publishes, and the stacks.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

NAMESPACE = "llmctl"


class Level(Enum):
    """Dimensions under which a metric is published."""

    MODEL = ("environment", "model")
    SLOT = ("environment", "model", "slot")
    RELEASE = ("environment", "model", "slot", "release")
    REPLICA = ("environment", "model", "replica")


class Kind(StrEnum):
    """What a value means."""

    COUNT = "count"
    """How many since the last publication; Sum over a period is what happened in it."""
    GAUGE = "gauge"
    """A state, sampled several times in each publication; Average is per replica."""
    TIMES = "times"
    """A value for each thing that took time, in seconds; Average and percentiles are true over the fleet."""


@dataclass(frozen=True)
class Metric:
    """One metric; `unit` is CloudWatch's."""

    name: str
    unit: str
    kind: Kind
    levels: frozenset[Level]


_ALL = frozenset(Level)
_JUDGED = frozenset({Level.MODEL, Level.RELEASE})
_SCALING = frozenset({Level.MODEL, Level.SLOT, Level.RELEASE})
_MODEL = frozenset({Level.MODEL})
_STATE = frozenset({Level.MODEL, Level.REPLICA})

REQUESTS = Metric("Requests", "Count", Kind.COUNT, _ALL)
"""Requests that the engine finished, whatever their end."""
CLIENT_ERRORS = Metric("ClientErrors", "Count", Kind.COUNT, _JUDGED)
"""Answered 4xx."""
SERVER_ERRORS = Metric("ServerErrors", "Count", Kind.COUNT, _JUDGED)
"""Answered 5xx, or failed in the engine."""
ABORTED = Metric("Aborted", "Count", Kind.COUNT, _JUDGED)
"""Ended by the client, or cut off."""
PROMPT_TOKENS = Metric("PromptTokens", "Count", Kind.COUNT, _JUDGED)
GENERATED_TOKENS = Metric("GeneratedTokens", "Count", Kind.COUNT, _SCALING)
IN_FLIGHT = Metric("InFlight", "Count", Kind.GAUGE, _ALL)
"""Requests that the engine works on, waiting ones included."""
QUEUED = Metric("Queued", "Count", Kind.GAUGE, _ALL)
"""Requests that wait in the engine."""
FIRST_TOKEN = Metric("TimeToFirstToken", "Seconds", Kind.TIMES, _JUDGED)
PER_TOKEN = Metric("TimePerOutputToken", "Seconds", Kind.TIMES, _JUDGED)
LATENCY = Metric("Latency", "Seconds", Kind.TIMES, _JUDGED)
"""Of whole requests, streams to their last token."""
KV_CACHE = Metric("KvCacheUse", "Percent", Kind.GAUGE, _STATE)
BATCH = Metric("BatchOccupancy", "Percent", Kind.GAUGE, _MODEL)
"""Requests in the batch, of those that fit into it."""
GPU = Metric("GpuUse", "Percent", Kind.GAUGE, _STATE)
GPU_MEMORY = Metric("GpuMemoryUse", "Percent", Kind.GAUGE, _STATE)
HEARTBEAT = Metric("Heartbeat", "Count", Kind.COUNT, _MODEL)
"""One with each publication of an agent."""
SCRAPE_FAILURES = Metric("ScrapeFailures", "Count", Kind.COUNT, _MODEL)
"""Times that a healthy engine's metrics could not be read."""
ENGINE_FAILURES = Metric("EngineFailures", "Count", Kind.COUNT, _JUDGED)
"""Times that the engine ended by itself, stopped answering, or went down with its agent."""
SPOT_NOTICES = Metric("SpotNotices", "Count", Kind.COUNT, _MODEL)
AGE = Metric("Age", "Seconds", Kind.GAUGE, _MODEL)
"""Since the instance was launched."""
COLD_START = Metric("ColdStart", "Seconds", Kind.TIMES, _JUDGED)
"""From the launch of the instance to the first healthy answer."""
COLD_START_BOOT = Metric("ColdStartBoot", "Seconds", Kind.TIMES, _MODEL)
"""From the launch to the agent's start."""
COLD_START_FETCH = Metric("ColdStartFetch", "Seconds", Kind.TIMES, _MODEL)
"""Secrets and weights from S3."""
COLD_START_LOAD = Metric("ColdStartLoad", "Seconds", Kind.TIMES, _MODEL)
"""From the start of the container (its image's download included) to the first healthy answer."""
COLD_START_FIRST_TOKEN = Metric("ColdStartFirstToken", "Seconds", Kind.TIMES, _MODEL)
"""From the first healthy answer to the first token of the first request."""

TIMED = frozenset(
    metric.name
    for metric in (REQUESTS, CLIENT_ERRORS, SERVER_ERRORS, ABORTED, FIRST_TOKEN, PER_TOKEN, LATENCY)
)
"""What a proxy before the engine can tell of any."""

METRICS: dict[str, Metric] = {
    metric.name: metric for metric in list(globals().values()) if isinstance(metric, Metric)
}
"""All of them, by name."""
