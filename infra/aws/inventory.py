"""Finds everything of environments that exists, by asking each service itself.

The tagging API misses launch templates, autoscaling groups, roles and more, and lags behind deletions: so
every service that a stack touches has a probe. A test holds them against the stacks' resource types.
"""

from itertools import chain

from infra.aws.probes import account, machines, storage, watching
from infra.aws.probes.scope import Probe, Scope
from infra.aws.session import Session, translated
from infra.teardown.types import Resource

PROBES: tuple[Probe, ...] = (
    machines.ec2,
    machines.autoscaling_groups,
    machines.load_balancing,
    machines.experiments,
    account.identity,
    account.certificates,
    account.records,
    storage.tables,
    storage.log_groups,
    storage.secrets,
    storage.buckets,
    watching.alarms,
    watching.dashboards,
    watching.topics,
    watching.functions,
)
KINDS = machines.EC2_KINDS | {
    "autoscaling group",
    "certificate",
    "cloudwatch alarm",
    "cloudwatch dashboard",
    "dns record",
    "dynamodb table",
    "event rule",
    "experiment template",
    "iam instance profile",
    "iam role",
    "lambda function",
    "load balancer",
    "log group",
    "s3 bucket",
    "secret",
    "sns topic",
    "target group",
}
"""Every kind of resource that the probes can find."""


@translated("taking the inventory")
def inventory(session: Session, scope: Scope) -> tuple[Resource, ...]:
    """Everything in scope that carries its environment's tag or name; never the bucket of the state."""
    return tuple(sorted(set(chain.from_iterable(probe(session, scope) for probe in PROBES))))
