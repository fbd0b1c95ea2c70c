"""The agent's configuration: what the launch template's user data carries, and nothing else.

Everything in here belongs to the release: a changed byte makes a new launch template version. What differs
between instances of one release (slot, market, zone) the agent reads from the instance metadata, and secrets
come by reference. This module runs on the instance: standard library only.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

ENGINE_PORT = 8000
"""Port of every engine on its instance; also the target groups' port."""

RECORDED_PORT = ENGINE_PORT + 1
"""Port of an engine behind the recorder, which then has the other."""

WEIGHTS_DIRECTORY = "/var/lib/llmctl/weights"
"""Where the agent puts weights from s3:// on the instance; mounted at the same path in the container."""


METRICS_PORT = 9464
"""Port of the agent's own /metrics, for a Prometheus."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How one of our metrics is read from an engine's exposition; several readings of a metric add up."""

    metric: str
    """Name in `catalogue.METRICS`."""
    sample: str
    """Name of a counter or gauge sample (vllm:num_requests_running), or of a histogram, without suffix."""
    labels: tuple[tuple[str, str], ...] = ()
    """Only samples whose labels match these regular expressions in full."""
    scale: float = 1.0
    """Factor to our unit: 100 for shares, 0.001 for milliseconds."""
    unless: str = ""
    """Not read from an exposition that has this metric, its newer name: all would count twice."""


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """What the agent publishes, beside what the engine tells."""

    interval_seconds: int = 60
    replicas: bool = True
    """Whether metrics on the level of the replica are published."""
    scrape: bool = False
    """Whether /metrics answers on all addresses of the instance, not only on loopback."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """Which requests and answers are kept, and where."""

    bucket: str
    rate: float
    redact: tuple[str, ...]
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How the agent starts one engine container and talks to it."""

    image: str
    """Repository and tag."""
    args: tuple[str, ...]
    """Arguments of the container. Never a secret: arguments are visible to every process."""
    env: dict[str, str] = field(default_factory=dict)
    gpus: bool = True
    port: int = ENGINE_PORT
    """Where it is reached: by the balancer, and by the agent."""
    engine_port: int | None = None
    """Where it listens itself, behind the recorder; None: nothing is in between."""
    timed: bool = False
    """Whether the recorder times its requests: what `catalogue.TIMED` names comes from there."""
    health_path: str = "/health"
    """Answers 200 without authentication once the weights are loaded; the balancer's health check."""
    metrics_path: str = "/metrics"
    metrics_port: int | None = None
    """None: the same port as the API."""
    api_key_env: str | None = None
    """Environment variable from which the engine reads the key it demands; None: it can't demand one."""
    in_flight_metrics: tuple[str, ...] = ()
    """Gauges whose sum is the requests running and waiting: zero means that the engine is drained."""
    readings: tuple[Reading, ...] = ()
    """What its exposition says of our metrics; a metric that is in none of them has no figure or alarm."""
    max_sequences: int | None = None
    """Requests that fit into a batch."""


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """All that an agent needs to know."""

    environment: str
    model: str
    region: str
    runtime_table: str
    log_group: str
    api_key_secret: str | None
    """Name of the Secrets Manager secret, or None when the endpoint asks for no key."""
    weights_uri: str | None
    """s3://... to download before the start; None when the engine fetches its weights itself."""
    engine: Launch
    launch_hook: str
    terminate_hook: str
    drain_seconds: int
    """How long in-flight requests may take to finish when the instance must go."""
    monitoring: Monitoring = field(default_factory=Monitoring)
    capture: Capture | None = None

    def to_json(self) -> str:
        """Compact and byte-stable."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "AgentConfig":
        """Inverse of `to_json`; raises TypeError or ValueError on anything else."""
        raw: dict[str, Any] = json.loads(text)
        engine = raw.pop("engine")
        for key in ("args", "in_flight_metrics"):
            engine[key] = tuple(engine[key])
        engine["readings"] = tuple(_reading(each) for each in engine["readings"])
        raw["monitoring"] = Monitoring(**raw["monitoring"])
        if raw["capture"] is not None:
            raw["capture"] = Capture(**raw["capture"] | {"redact": tuple(raw["capture"]["redact"])})
        return cls(engine=Launch(**engine), **raw)


def _reading(raw: dict[str, Any]) -> Reading:
    return Reading(**raw | {"labels": tuple((name, pattern) for name, pattern in raw["labels"])})
