"""Engines' pages and the agent's configuration, made short for tests."""

from collections.abc import Mapping

from infra.agent import catalogue
from infra.agent.config import AgentConfig, Launch, Monitoring, Reading

READINGS = (
    Reading(metric=catalogue.REQUESTS.name, sample="requests_total"),
    Reading(metric=catalogue.SERVER_ERRORS.name, sample="requests_total", labels=(("status", "5.."),)),
    Reading(metric=catalogue.GENERATED_TOKENS.name, sample="tokens_total"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="running"),
    Reading(metric=catalogue.IN_FLIGHT.name, sample="waiting"),
    Reading(metric=catalogue.QUEUED.name, sample="waiting"),
    Reading(metric=catalogue.KV_CACHE.name, sample="cache_share", scale=100),
    Reading(metric=catalogue.LATENCY.name, sample="latency_ms", scale=0.001),
)


def launch(**changes: object) -> Launch:
    """An engine with the readings above."""
    settings: dict[str, object] = {"image": "i", "args": (), "gpus": False, "readings": READINGS, **changes}
    return Launch(**settings)  # type: ignore[arg-type]


def config(engine: Launch | None = None, monitoring: Monitoring | None = None) -> AgentConfig:
    """An agent of the model chat."""
    return AgentConfig(
        environment="test",
        model="chat",
        region="us-east-1",
        runtime_table="t",
        log_group="g",
        api_key_secret=None,
        weights_uri=None,
        engine=engine or launch(),
        launch_hook="launch",
        terminate_hook="terminate",
        drain_seconds=60,
        monitoring=monitoring or Monitoring(),
    )


def page(
    *,
    requests: Mapping[str, float] | None = None,
    tokens: float | None = None,
    running: float = 0,
    waiting: float = 0,
    latency_ms: tuple[Mapping[str, float], float] | None = None,
) -> str:
    """A page: requests by status, and cumulative buckets with their sum."""
    lines = ["# TYPE requests_total counter"]
    lines += [f'requests_total{{status="{status}"}} {count}' for status, count in (requests or {}).items()]
    if tokens is not None:
        lines += ["# TYPE tokens_total counter", f"tokens_total {tokens}"]
    lines += ["# TYPE running gauge", f"running {running}", "# TYPE waiting gauge", f"waiting {waiting}"]
    if latency_ms:
        buckets, total = latency_ms
        lines.append("# TYPE latency_ms histogram")
        lines += [f'latency_ms_bucket{{le="{le}"}} {count}' for le, count in buckets.items()]
        lines += [f"latency_ms_sum {total}", f"latency_ms_count {list(buckets.values())[-1]}"]
    return "\n".join(lines) + "\n"
