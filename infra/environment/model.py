"""The typed environment: what one environment file says, frozen.

This is the single source of truth of the file format. `environments/schema.json` is generated from these
classes (`llmctl schema`), the loader validates against that schema, and both columns of the code (what
exists: `stacks/`, `modules/`; what happens: `cli/`, `infra/`) meet only here. A field that nothing acts on
has no place in this file: an ignored setting is worse than a refused one.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from infra.environment.acceptance import Acceptance
from infra.environment.base import Cidr, Domain, Duration, Positive, Scalar, Spec
from infra.environment.monitoring import Alarms, Capture, Monitoring
from infra.environment.rollout import Rollout

Name = Annotated[
    str,
    Meta(
        pattern="^[a-z](-?[a-z0-9])*$",
        max_length=20,
        description="Lower-case letters, digits and single hyphens; starts with a letter; at most 20.",
        examples=["chat"],
    ),
]


class Provider(Spec, frozen=True, kw_only=True):
    """Where the environment lives."""

    name: Annotated[
        Literal["aws", "embedded"],
        Meta(description="aws, or embedded: the emulated cloud on this machine (no account, no GPU)."),
    ]
    region: Annotated[
        str,
        Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="An AWS region.", examples=["us-east-1"]),
    ]
    account: Annotated[
        str | None,
        Meta(description="A guard: refuse to act on any other AWS account (12 digits, quoted)."),
    ] = None


class Network(Spec, frozen=True, kw_only=True):
    """A network of its own (`cidr`), or an existing one (`vpc_id` with its subnets)."""

    cidr: Annotated[
        Cidr | None, Meta(description="Range of a VPC that llmctl creates.", examples=["10.20.0.0/16"])
    ] = None
    egress: Annotated[
        Literal["nat", "nat-per-zone", "endpoints"],
        Meta(
            description="How private instances reach out: one NAT gateway, one in each zone, "
            "or VPC endpoints only (no internet: images from ECR, weights from S3)."
        ),
    ] = "nat"
    vpc_id: Annotated[str | None, Meta(description="An existing VPC, instead of cidr.")] = None
    private_subnets: Annotated[
        tuple[str, ...], Meta(description="Existing subnets for the instances, with vpc_id.")
    ] = ()
    public_subnets: Annotated[
        tuple[str, ...], Meta(description="Existing subnets for the load balancer, with vpc_id.")
    ] = ()


class Endpoint(Spec, frozen=True, kw_only=True):
    """How clients reach the environment: one load balancer."""

    allow_cidrs: Annotated[
        tuple[Cidr, ...], Meta(min_length=1, description="Who may connect. 0.0.0.0/0 only if you mean it.")
    ]
    auth: Annotated[
        Literal["api-key", "none"],
        Meta(description="api-key: engines demand the key that llmctl keeps in Secrets Manager."),
    ] = "api-key"
    domain: Annotated[
        Domain | None,
        Meta(description="DNS name: HTTPS with a certificate and a record; models answer on MODEL.domain."),
    ] = None
    hosted_zone: Annotated[
        str | None, Meta(description="Route 53 zone that holds the domain; default: the domain's parent.")
    ] = None
    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None,
        Meta(description="Listener port; default 443 with a domain, else 80."),
    ] = None
    default_model: Annotated[
        str | None, Meta(description="The model that answers on the bare endpoint; default: the only model.")
    ] = None

    @property
    def listener_port(self) -> int:
        """The port clients connect to."""
        return self.port or (443 if self.domain else 80)


class Engine(Spec, frozen=True, kw_only=True):
    """The server in the container."""

    name: Annotated[
        Literal["vllm", "sglang", "tgi", "llama.cpp", "bentoml", "ray-serve", "openai", "simulator"],
        Meta(description="openai: any image that speaks the OpenAI API (needs image)."),
    ]
    version: Annotated[str, Meta(min_length=1, description="Image tag (quote it: 0.10 is a number in YAML).")]
    image: Annotated[
        str | None, Meta(description="Image repository, without a tag; default: the engine's own.")
    ] = None
    args: Annotated[dict[str, Scalar], Meta(description="Engine arguments by long name, without dashes.")] = (
        field(default_factory=dict)
    )
    env: Annotated[
        dict[str, str], Meta(description="Environment variables of the engine. Not for secrets.")
    ] = field(default_factory=dict)


class Architecture(Spec, frozen=True, kw_only=True):
    """Facts about the weights, for the check that they fit the GPU; what is left out is inferred."""

    parameters: Annotated[float, Meta(gt=0, description="Number of parameters, such as 7.6e9.")]
    bytes_per_parameter: Annotated[float, Meta(gt=0, description="2 for bfloat16, 1 for 8 bits.")] = 2.0
    layers: Annotated[Positive | None, Meta(description="num_hidden_layers in config.json.")] = None
    attention_heads: Annotated[Positive | None, Meta(description="num_attention_heads in config.json.")] = (
        None
    )
    kv_heads: Annotated[Positive | None, Meta(description="num_key_value_heads in config.json.")] = None
    head_size: Annotated[Positive | None, Meta(description="head_dim: hidden_size by heads.")] = None
    intermediate_size: Annotated[
        Positive | None, Meta(description="intermediate_size in config.json: for the memory of large steps.")
    ] = None
    context: Annotated[
        Positive | None,
        Meta(
            description="max_position_embeddings in config.json: what vLLM makes room for unless "
            "max-model-len says less."
        ),
    ] = None


class Batching(Spec, frozen=True, kw_only=True):
    """How many requests an engine works on together."""

    max_sequences: Annotated[Positive | None, Meta(description="Requests in one batch.")] = None
    max_tokens: Annotated[
        Positive | None, Meta(description="Tokens worked on in one step, prompts included.")
    ] = None


class Price(Spec, frozen=True, kw_only=True):
    """What one instance costs, in US dollars an hour: for the cost figures and the budget alarm."""

    on_demand: Annotated[float, Meta(gt=0, description="On demand.")]
    spot: Annotated[float, Meta(gt=0, description="On the spot market, as you expect it.")]


class Instances(Spec, frozen=True, kw_only=True):
    """What the replicas run on."""

    types: Annotated[
        tuple[str, ...], Meta(min_length=1, description="Instance types, all as good; more find more spot.")
    ]
    zones: Annotated[tuple[str, ...], Meta(min_length=1, description="Availability zones to spread over.")]
    ami: Annotated[
        str,
        Meta(
            pattern="^(ami-[0-9a-f]+|ssm:/.+)$",
            description="ami-..., or ssm:/parameter with the image's id; "
            "default: AWS's Deep Learning Base GPU AMI (Ubuntu 24.04).",
            examples=["ami-0abc1234"],
        ),
    ] = "ssm:/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
    disk_gib: Annotated[int, Meta(ge=20, description="Size of the encrypted root volume, in GiB.")] = 200
    price: Annotated[
        Price | None,
        Meta(
            description="Price of an instance, for cost figures; without it estimates take AWS's, and "
            "metrics and alarms show no cost."
        ),
    ] = None
    tokens_per_second: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(
            description="Tokens that a busy replica generates, as `llmctl bench` measured it: for the price "
            "of a million."
        ),
    ] = None


class ScheduledMinimum(Spec, frozen=True, kw_only=True):
    """From a time on, another minimum; it holds until the next entry's time."""

    cron: Annotated[str, Meta(description="Minute, hour, day, month, weekday.", examples=["0 8 * * MON-FRI"])]
    min: Annotated[int, Meta(ge=0, description="Replicas from then on, instead of replicas.min.")]
    timezone: Annotated[str, Meta(description="IANA name.", examples=["Europe/Berlin"])] = "UTC"


class Replicas(Spec, frozen=True, kw_only=True):
    """How many replicas a model has."""

    min: Annotated[int, Meta(ge=0, description="Replicas at the quietest hour.")]
    max: Annotated[int, Meta(ge=1, description="Replicas at most, extra ones not counted.")]
    schedule: Annotated[
        tuple[ScheduledMinimum, ...], Meta(description="Other minimums by the time of day or week.")
    ] = ()
    sleep_after: Annotated[
        Duration | None,
        Meta(
            description="Scale to zero after so long without a request (needs min: 0); the next request "
            "wakes the model and is answered 503 with Retry-After."
        ),
    ] = None


class Spot(Spec, frozen=True, kw_only=True):
    """How much of the capacity is bought on the spot market, and what replaces it when it is gone."""

    on_demand_base: Annotated[int, Meta(ge=0, description="Replicas that are always on demand.")] = 0
    overprovision: Annotated[int, Meta(ge=0, description="Extra spot replicas, against interruptions.")] = 0
    fallback: Annotated[
        bool, Meta(description="Whether missing spot is replaced on demand, until it is back.")
    ] = True
    spare: Annotated[
        int,
        Meta(
            ge=0, description="On-demand replicas beyond what is missing, while anything is: it takes more."
        ),
    ] = 1
    hold: Annotated[
        Duration,
        Meta(
            description="How long a spot replica must have been ready before one on demand is given back for "
            "it; so much longer for each interruption in the last hour."
        ),
    ] = "30s"
    longest_hold: Annotated[
        Duration, Meta(description="The longest hold; it is in force while spot is scarce.")
    ] = "150m"
    standby: Annotated[
        int,
        Meta(
            ge=0,
            description="Stopped on-demand instances with the weights on their disks: replacements that take "
            "no longer than a boot and the engine's start. They cost their disks.",
        ),
    ] = 0
    most_on_demand: Annotated[
        Positive | None,
        Meta(description="Replicas on demand at most, as the account's quota has it; default: replicas.max."),
    ] = None
    budget: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(
            description="Most that the model may cost, in US dollars an hour (needs instances.price): "
            "on-demand replaces no more spot than it leaves room for.",
        ),
    ] = None


class Scaling(Spec, frozen=True, kw_only=True):
    """Target tracking of the live slot's spot group: as many replicas as hold the metric at the target."""

    metric: Annotated[
        Literal["requests_per_replica", "concurrency", "queue_depth", "tokens_per_second"] | None,
        Meta(
            description="All per replica. requests_per_replica: requests a minute (the default); "
            "concurrency: requests in flight; queue_depth: requests waiting in the engine; "
            "tokens_per_second: tokens generated."
        ),
    ] = None
    expression: Annotated[
        str | None,
        Meta(
            description="CloudWatch metric math instead of a metric, over the slot's requests (a minute), "
            "in_flight, queued, tokens (a second) and replicas. It must fall as replicas are added.",
            examples=["(in_flight + 2 * queued) / replicas"],
        ),
    ] = None
    target: Annotated[float, Meta(gt=0, description="What the metric is held at.")]
    scale_in: Annotated[
        bool, Meta(description="Whether replicas are taken away when there is less to do.")
    ] = True
    warmup: Annotated[
        Duration,
        Meta(
            description="After a replica is in service, until its load counts: longer than the metric is "
            "late, lest new replicas be counted with the load of before. Not the cold start: a replica is in "
            "service only once its engine is healthy."
        ),
    ] = "3m"

    @property
    def measure(self) -> str:
        """The metric's name, or `expression`."""
        return "expression" if self.expression else self.metric or "requests_per_replica"


class Routing(Spec, frozen=True, kw_only=True):
    """How the load balancer spreads a model's requests over its replicas."""

    algorithm: Annotated[
        Literal["round_robin", "weighted_random", "least_outstanding_requests"],
        Meta(description="least_outstanding_requests suits generations of different length."),
    ] = "least_outstanding_requests"
    priority: Annotated[
        Annotated[int, Meta(ge=1, le=16000)] | None,
        Meta(description="Order among the models' rules; default: derived from the model's name, stable."),
    ] = None
    deregistration_delay: Annotated[
        Duration, Meta(description="How long a leaving replica may finish its requests; at most 3600s.")
    ] = "120s"
    slow_start: Annotated[
        Duration | None,
        Meta(description="A new replica's share grows for so long (30s to 15m); with round_robin only."),
    ] = None


class Model(Spec, frozen=True, kw_only=True):
    """A named inference service; scales and rolls out on its own."""

    source: Annotated[
        str,
        Meta(
            pattern=r"^(hf://[\w.-]+/[\w.-]+(/[\w./-]+)?(@[\w.-]+)?|s3://[a-z0-9.-]+/.+|file:///.+)$",
            description="hf://ORG/REPO[/FILE][@REVISION], s3://BUCKET/PREFIX, or file:///PATH in the image.",
            examples=["hf://Qwen/Qwen2.5-7B-Instruct@a09a354"],
        ),
    ]
    engine: Engine
    instances: Instances
    replicas: Replicas
    architecture: Architecture | None = None
    batching: Batching = Batching()
    spot: Spot = Spot()
    scaling: Scaling | None = None
    routing: Routing = Routing()
    rollout: Rollout = Rollout()
    alarms: Alarms = Alarms()
    capture: Capture | None = None


class Chaos(Spec, frozen=True, kw_only=True):
    """Rehearsals of losses, by `llmctl chaos run`."""

    allow: Annotated[
        bool,
        Meta(description="Let AWS's Fault Injection Service take this environment's spot instances."),
    ] = False


class Environment(Spec, frozen=True, kw_only=True):
    """One environment: one file, one stack set, one state, one endpoint."""

    environment: Name
    provider: Provider
    network: Network
    endpoint: Endpoint
    models: Annotated[
        dict[Name, Model], Meta(min_length=1, description="The models, each under the name clients send.")
    ]
    monitoring: Monitoring = Monitoring()
    chaos: Chaos = Chaos()
    accept: Annotated[
        tuple[Acceptance, ...], Meta(description="Risks of plans that are meant, each with its reason.")
    ] = ()
    protect: Annotated[bool, Meta(description="Refuse to destroy this environment.")] = False
    ttl: Annotated[
        Duration | None,
        Meta(
            description="How long it may live after its last deploy: then `llmctl reap` destroys it. "
            "At least 15m; default: for ever."
        ),
    ] = None
    tags: Annotated[dict[str, str], Meta(description="Tags put on every resource.")] = field(
        default_factory=dict
    )

    @property
    def default_model(self) -> str | None:
        """The model that answers on the bare endpoint, if there is one."""
        return self.endpoint.default_model or (next(iter(self.models)) if len(self.models) == 1 else None)

    def path_prefix(self, model: str) -> str:
        """The path below which a model answers: /MODEL, or "" where the host or being the default tells."""
        return "" if self.endpoint.domain or model == self.default_model else f"/{model}"
