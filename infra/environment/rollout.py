"""The section of an environment file that says how a new release takes over the traffic."""

from typing import Annotated, Literal

from msgspec import Meta

from infra.environment.base import Duration, Positive, Spec


class Gate(Spec, frozen=True, kw_only=True):
    """What a measure of the new release may be; either bound is enough to fail it."""

    limit: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="Worst value allowed: percent, seconds, tokens a second, a score, or a number."),
    ] = None
    worse_by: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(
            description="How much worse than the old release in the same time it may be, in percent of the "
            "old one's (error_rate and quality: in percentage points)."
        ),
    ] = None
    min_samples: Annotated[
        Positive, Meta(description="Requests that the new release must have had before the gate speaks.")
    ] = 50
    off: Annotated[bool, Meta(description="true: not judged by this at all.")] = False


class Gates(Spec, frozen=True, kw_only=True):
    """What a new release is judged by; `off: true` turns a gate off. docs/gates.md explains the tests."""

    error_rate: Annotated[Gate | None, Meta(description="Failed on the server's side, in percent.")] = Gate(
        worse_by=0.5
    )
    latency_p95: Annotated[Gate | None, Meta(description="Whole requests, in seconds.")] = Gate(worse_by=20)
    latency_p99: Annotated[Gate | None, Meta(description="Whole requests, in seconds.")] = None
    ttft_p95: Annotated[Gate | None, Meta(description="Time to the first token, in seconds.")] = Gate(
        worse_by=20
    )
    tpot_p95: Annotated[Gate | None, Meta(description="Time per output token, in seconds.")] = Gate(
        worse_by=20
    )
    tokens_per_second: Annotated[
        Gate | None,
        Meta(description="Tokens generated a second by a replica, per request that it works on."),
    ] = None
    engine_failures: Annotated[
        Gate | None, Meta(description="Engines of the new release that ended by themselves.")
    ] = Gate(limit=0, min_samples=1)
    quality: Annotated[
        Gate | None, Meta(description="Mean score of the answers to the golden prompts, 0 to 100.")
    ] = Gate(worse_by=5, min_samples=10)


class Quality(Spec, frozen=True, kw_only=True):
    """How answers to the golden prompts are scored, from 0 to 1 each."""

    scorer: Annotated[
        Literal["exact", "regex", "json_schema", "rouge_l", "embedding", "judge"],
        Meta(
            description="exact, rouge_l, embedding: against each prompt's reference; regex, json_schema: "
            "against its own pattern or schema; judge: a model is asked."
        ),
    ]
    url: Annotated[
        str | None,
        Meta(description="OpenAI-compatible base URL for embedding and judge, ending in /v1."),
    ] = None
    model: Annotated[str | None, Meta(description="Model to ask there.")] = None
    api_key_env: Annotated[
        str | None, Meta(description="Environment variable of the driver with that URL's key.")
    ] = None


class Golden(Spec, frozen=True, kw_only=True):
    """Golden prompts: sent to both releases, whatever the traffic."""

    prompts: Annotated[
        str,
        Meta(min_length=1, description="JSONL file, relative to this one; docs/golden.md has its keys."),
    ]
    replay: Annotated[
        Annotated[float, Meta(gt=0, le=100)] | None,
        Meta(description="Send them again and again while steps bake: requests a second to each release."),
    ] = None
    quality: Annotated[Quality | None, Meta(description="Score the answers of both releases.")] = None


class Rollout(Spec, frozen=True, kw_only=True):
    """How a new release takes over the traffic."""

    strategy: Annotated[
        Literal["canary", "blue-green", "all-at-once"],
        Meta(
            description="canary: step by step; blue-green: all traffic at once after the new replicas are "
            "healthy, then baked and judged; all-at-once: the same, neither baked nor judged."
        ),
    ] = "canary"
    steps: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=100)], ...],
        Meta(min_length=1, description="Percentages of traffic, rising, ending with 100."),
    ] = (5, 25, 50, 100)
    bake: Annotated[
        Duration, Meta(description="How long each step is watched. 0s: steps are not judged.")
    ] = "5m"
    pause_at: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=100)], ...],
        Meta(description="Steps after which a person must say `llmctl promote`."),
    ] = ()
    gates: Gates = Gates()
    inconclusive: Annotated[
        Literal["pause", "advance", "rollback"],
        Meta(description="What happens when `patience` is over and there still were too few samples."),
    ] = "pause"
    patience: Annotated[
        Duration, Meta(description="How much longer than the bake to wait for enough samples.")
    ] = "30m"
    surge: Annotated[
        Positive | None,
        Meta(description="At most so many replicas more than before, both releases together; default: any."),
    ] = None
    capacity_timeout: Annotated[
        Duration,
        Meta(
            description="Rolled back when the new replicas aren't healthy in so long; traffic is untouched."
        ),
    ] = "20m"
    propagation: Annotated[
        Duration,
        Meta(description="How long the load balancer may take to carry new weights to all of its nodes."),
    ] = "60s"
    keep_previous: Annotated[
        Duration, Meta(description="How long the old replicas stay afterwards, for an instant rollback.")
    ] = "30m"
    watchdog: Annotated[
        Duration,
        Meta(description="Rolled back by the cloud when nobody has driven the rollout for so long."),
    ] = "15m"
    golden: Golden | None = None
