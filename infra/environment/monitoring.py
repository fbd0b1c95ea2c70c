"""The sections of an environment file that say what is watched: alarms, samples, metrics."""

from typing import Annotated, Literal

from msgspec import Meta

from infra.environment.base import Cidr, Duration, Positive, Spec


class Alarms(Spec, frozen=True, kw_only=True):
    """When a model calls for help; null turns an alarm off. docs/operations.md explains each."""

    error_rate: Annotated[
        Annotated[float, Meta(gt=0, le=100)] | None,
        Meta(description="Percent of requests that failed on the server's side, over 5 minutes."),
    ] = 5.0
    latency_p95: Annotated[Duration | None, Meta(description="95 % of requests take less.")] = "60s"
    ttft_p95: Annotated[
        Duration | None, Meta(description="95 % of requests get their first token sooner.")
    ] = "10s"
    queued: Annotated[
        Annotated[float, Meta(gt=0)] | None, Meta(description="Requests waiting in each replica's engine.")
    ] = 8.0
    capacity_short: Annotated[
        Duration | None,
        Meta(description="Fewer replicas in service than wanted for so long; longer than a cold start."),
    ] = "20m"
    spot_notices: Annotated[
        Positive | None, Meta(description="Spot interruption notices within 15 minutes.")
    ] = 3


class Capture(Spec, frozen=True, kw_only=True):
    """Keep a sample of requests and answers in S3, to judge quality by. Nothing is kept without this."""

    rate: Annotated[float, Meta(gt=0, le=1, description="Share of requests, 0 to 1.")]
    redact: Annotated[
        tuple[str, ...],
        Meta(
            description="Fields whose values are replaced before anything leaves the instance: dotted paths "
            "in the request's or the answer's JSON; lists are walked through.",
            examples=[["messages.content", "user"]],
        ),
    ] = ()
    max_bytes: Annotated[
        Positive, Meta(description="A longer request or answer is kept without its body.")
    ] = 65536
    retention_days: Annotated[Positive, Meta(description="Days until a sample is deleted.")] = 30


class Monitoring(Spec, frozen=True, kw_only=True):
    """How closely the environment is watched, and who is told."""

    interval: Annotated[
        Duration,
        Meta(description="How often each replica publishes its metrics; 5s to 60s. Shorter costs more."),
    ] = "60s"
    replicas: Annotated[
        bool, Meta(description="Publish some metrics for each replica as well; CloudWatch bills per metric.")
    ] = True
    times: Annotated[
        Literal["engine", "proxy"],
        Meta(
            description="Where requests are counted and timed. engine: its own metrics, percentiles as exact "
            "as its histograms' buckets. proxy: a small proxy on each replica times every request: exact "
            "percentiles with any engine, at the price of one more process in the requests' way."
        ),
    ] = "engine"
    dashboards: Annotated[
        bool, Meta(description="CloudWatch dashboards: one for the environment, one for each model.")
    ] = True
    notify: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^(https?://\S+|[^@\s/]+@[^@\s/]+)$")], ...],
        Meta(
            description="Where alarms go: e-mail addresses and webhooks (URLs).",
            examples=[["oncall@example.com", "https://hooks.example.com/llm"]],
        ),
    ] = ()
    budget: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Alarm above so many US dollars an hour for instances; needs each model's price."),
    ] = None
    scrape_from: Annotated[
        tuple[Cidr, ...],
        Meta(description="Ranges from which Prometheus may scrape the agents (port 9464, /metrics)."),
    ] = ()
