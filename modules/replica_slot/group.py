"""One of a slot's two autoscaling groups, created empty: how many instances it has is the runtime's to say.

A group launches the template version that it is pinned to, so a replaced instance boots the same release. An
instance joins the balancer when its agent has completed the launch hook, and leaves it before it is taken.
"""

from collections.abc import Mapping, Sequence

from constructs import Construct

from infra.environment import names
from infra.environment.base import seconds
from infra.environment.capacity import bounds
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.observability.terms import GROUP_METRICS
from modules.bindings.aws.autoscaling_group import (
    AutoscalingGroup,
    MixedInstancesPolicy,
    MixedInstancesPolicyInstancesDistribution,
)
from modules.bindings.aws.autoscaling_lifecycle_hook import AutoscalingLifecycleHook
from modules.bindings.aws.launch_template import LaunchTemplate
from modules.bindings.aws.lb_target_group import LbTargetGroup
from modules.tags import environment_tags, model_tags

RUNTIME_OWNED = (
    "desired_capacity",
    "min_size",
    "mixed_instances_policy[0].launch_template[0].launch_template_specification[0].version",
    "warm_pool",
)
"""What Terraform sets once and then leaves to the runtime. Nothing else may be in here."""

_DISTRIBUTION: Mapping[Market, MixedInstancesPolicyInstancesDistribution] = {
    Market.SPOT: {
        "on_demand_base_capacity": 0,
        "on_demand_percentage_above_base_capacity": 0,
        "spot_allocation_strategy": "price-capacity-optimized",
    },
    Market.ON_DEMAND: {
        "on_demand_base_capacity": 0,
        "on_demand_percentage_above_base_capacity": 100,
        "on_demand_allocation_strategy": "lowest-price",
    },
}
_LAUNCH_SECONDS = 600
"""From the launch to the agent's first sign of life; it asks for more while it downloads and loads."""
_GRACE_SECONDS = 120
"""From the end of the launch hook until the balancer's verdict counts."""
_DRAIN_MARGIN = 60
_HOOK_LIMIT = 7200


class Group(Construct):
    """The autoscaling group with its hooks."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        model: str,
        slot: Slot,
        market: Market,
        template: LaunchTemplate,
        target_group: LbTargetGroup,
        subnets: Sequence[str],
    ) -> None:
        super().__init__(scope, id_)
        spec = environment.models[model]
        name = names.group(environment.environment, model, slot, market)
        tags = {**environment_tags(environment), **model_tags(model, slot, market), "Name": name}
        self.group = AutoscalingGroup(
            self,
            "group",
            name=name,
            min_size=0,
            desired_capacity=0,
            max_size=bounds(spec, market).max,
            vpc_zone_identifier=list(subnets),
            target_group_arns=[target_group.arn],
            health_check_type="ELB",
            health_check_grace_period=_GRACE_SECONDS,
            capacity_rebalance=market is Market.SPOT,
            wait_for_capacity_timeout="0",
            force_delete_warm_pool=True if market is Market.ON_DEMAND else None,
            enabled_metrics=GROUP_METRICS,
            mixed_instances_policy=_mixed(market, template, spec.instances.types),
            tag=[{"key": key, "value": tags[key], "propagate_at_launch": True} for key in sorted(tags)],
            lifecycle={"ignore_changes": RUNTIME_OWNED},
        )
        drain = seconds(spec.routing.deregistration_delay)
        self._hook(names.LAUNCH_HOOK, "LAUNCHING", "ABANDON", _LAUNCH_SECONDS)
        self._hook(names.TERMINATE_HOOK, "TERMINATING", "CONTINUE", min(drain + _DRAIN_MARGIN, _HOOK_LIMIT))

    def _hook(self, name: str, transition: str, default: str, timeout: int) -> None:
        AutoscalingLifecycleHook(
            self,
            name,
            name=name,
            autoscaling_group_name=self.group.name,
            lifecycle_transition=f"autoscaling:EC2_INSTANCE_{transition}",
            default_result=default,
            heartbeat_timeout=timeout,
        )


def _mixed(market: Market, template: LaunchTemplate, types: Sequence[str]) -> MixedInstancesPolicy:
    """All types are as good; the market decides how they are bought and in which order."""
    return {
        "instances_distribution": _DISTRIBUTION[market],
        "launch_template": {
            "launch_template_specification": {
                "launch_template_id": template.id,
                "version": template.latest_version,
            },
            "override": [{"instance_type": each} for each in types],
        },
    }
