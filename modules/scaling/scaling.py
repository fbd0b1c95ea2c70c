"""Target tracking: as many spot replicas as keep the requests that each one gets near the target.

Both slots have the policy. It does nothing in the idle one: no requests, no instances.
"""

from constructs import Construct

from infra.environment.model import Scaling
from modules.bindings.aws.autoscaling_policy import AutoscalingPolicy
from modules.bindings.aws.lb import Lb
from modules.bindings.aws.lb_listener_rule import LbListenerRule
from modules.replica_slot.replica_slot import ReplicaSlot

_WARMUP_SECONDS = 60
"""After a replica is in service, until its load counts."""


class RequestsPerReplica(Construct):
    """The policy of a slot's spot group."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        scaling: Scaling,
        slot: ReplicaSlot,
        balancer: Lb,
        rule: LbListenerRule,
    ) -> None:
        super().__init__(scope, id_)
        AutoscalingPolicy(
            self,
            "policy",
            name=scaling.metric.replace("_", "-"),
            autoscaling_group_name=slot.spot.name,
            policy_type="TargetTrackingScaling",
            estimated_instance_warmup=_WARMUP_SECONDS,
            target_tracking_configuration={
                "target_value": scaling.target,
                "predefined_metric_specification": {
                    "predefined_metric_type": "ALBRequestCountPerTarget",
                    "resource_label": f"{balancer.arn_suffix}/{slot.target_group.arn_suffix}",
                },
            },
            depends_on=[rule],  # AWS knows the metric once the target group is behind the balancer
        )
