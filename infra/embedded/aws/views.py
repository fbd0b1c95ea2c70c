"""What the emulated account holds, as frozen values for the balancer and the compute side.

They never see moto's objects: a view is taken under the lock and stays what it was. Nothing here changes
anything; writing back goes through `elbv2` (target health, DNS names) and `ec2` (instance states).
"""

from dataclasses import dataclass
from enum import StrEnum

from infra.embedded.aws.health import TargetState

__all__ = [
    "Certificate",
    "Condition",
    "ConditionField",
    "FixedResponse",
    "Forward",
    "Function",
    "HealthCheck",
    "Instance",
    "Listener",
    "LoadBalancer",
    "Redirect",
    "Rule",
    "Target",
    "TargetGroup",
    "TargetState",
    "WeightedTargetGroup",
    "functions",
    "instances",
    "load_balancers",
    "target_groups",
]


FUNCTION_PORT = 9001
"""Where, on the cloud's own address, requests for functions behind load balancers are taken."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A registered (or still draining) target. `id` is an instance id, an IP address or a function's ARN."""

    id: str
    port: int
    state: TargetState


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How the balancer must check targets. Times in seconds."""

    enabled: bool
    protocol: str
    port: int | None
    """None: the port each target is registered with (traffic-port)."""
    path: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int
    matcher: str
    """Accepted codes, such as 200, 200-299 or 200,301."""


@dataclass(frozen=True, kw_only=True)
class TargetGroup:
    """A target group. Times in seconds."""

    arn: str
    name: str
    region: str
    protocol: str
    port: int
    algorithm: str
    """round_robin, least_outstanding_requests or weighted_random."""
    health_check: HealthCheck
    deregistration_delay: int
    slow_start: int
    """0: off."""
    targets: tuple[Target, ...]
    function: bool = False
    """Whether its target is a Lambda function, not instances."""


@dataclass(frozen=True, kw_only=True)
class WeightedTargetGroup:
    """One of the destinations of a forward action; weight 0 to 999."""

    arn: str
    weight: int


@dataclass(frozen=True, kw_only=True)
class Forward:
    """Send to target groups in proportion to their weights."""

    target_groups: tuple[WeightedTargetGroup, ...]


@dataclass(frozen=True, kw_only=True)
class FixedResponse:
    """Answer without a target."""

    status_code: int
    content_type: str | None
    body: str


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Answer with a redirect; parts may hold #{protocol}, #{host}, #{port}, #{path} and #{query}."""

    status_code: int
    protocol: str
    host: str
    port: str
    path: str
    query: str


Action = Forward | FixedResponse | Redirect


class ConditionField(StrEnum):
    """What a condition looks at."""

    HOST = "host-header"
    PATH = "path-pattern"
    HEADER = "http-header"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Holds when any of the values matches; values may hold the wildcards * and ?."""

    field: ConditionField
    values: tuple[str, ...]
    header: str | None = None
    """Header name, for HEADER."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A listener rule: all conditions must hold."""

    arn: str
    priority: int | None
    """None: the default rule, always last, without conditions."""
    conditions: tuple[Condition, ...]
    action: Action


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """An HTTPS listener's certificate, PEM."""

    arn: str
    certificate: bytes
    private_key: bytes
    chain: bytes


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A listener with its rules in order of evaluation."""

    arn: str
    port: int
    protocol: str
    """HTTP or HTTPS."""
    certificate: Certificate | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class LoadBalancer:
    """An application load balancer."""

    arn: str
    name: str
    region: str
    dns_name: str
    """What clients use; set it with `elbv2.set_dns_name`."""
    idle_timeout: int = 60
    """Seconds after which a connection or request on which nothing moves is closed."""
    listeners: tuple[Listener, ...]
    target_groups: tuple[TargetGroup, ...]
    """Those that the rules name, each once."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """An EC2 instance, terminated ones included for a while."""

    id: str
    account: str
    region: str
    state: str
    """pending, running, shutting-down, terminated, stopping or stopped."""
    zone: str
    subnet_id: str | None
    instance_type: str
    market: str
    """spot or on-demand."""
    image_id: str
    user_data: bytes
    tags: dict[str, str]
    metadata_tags: bool
    """Whether instance tags are offered by the metadata service (InstanceMetadataTags)."""
    role_name: str | None
    """IAM role of the instance profile."""
    private_ip: str
    launched: float
    """Epoch seconds."""
    launch_template_id: str | None
    launch_template_version: int | None
    autoscaling_group: str | None
    target_lifecycle_state: str | None
    """What autoscaling wants it to be, as the metadata service tells it: InService, Terminated, ..."""


@dataclass(frozen=True, kw_only=True)
class Function:
    """A Lambda function that is made of a zip."""

    arn: str
    name: str
    account: str
    region: str
    handler: str
    """MODULE.FUNCTION."""
    environment: dict[str, str]
    timeout: float
    """Seconds."""
    memory: int
    """MiB."""
    code: bytes
    """The zip."""


def load_balancers() -> tuple[LoadBalancer, ...]:
    """All application load balancers of all accounts and regions."""
    from infra.embedded.aws import elbv2_views

    return elbv2_views.view_load_balancers()


def target_groups() -> tuple[TargetGroup, ...]:
    """All target groups of all accounts and regions, used by a listener or not."""
    from infra.embedded.aws import elbv2_views

    return elbv2_views.view_target_groups()


def instances() -> tuple[Instance, ...]:
    """All instances of all accounts and regions."""
    from infra.embedded.aws import ec2

    return ec2.view_instances()


def functions() -> tuple[Function, ...]:
    """All functions of all accounts and regions."""
    from infra.embedded.aws import functions

    return functions.view_functions()
