"""Sleep: the spot group of a slot that has nothing to do goes to zero, by an alarm that tells nobody.

Waking isn't here: whoever does it raises the group, and the alarm leaves a starting group alone.
"""

from constructs import Construct

from infra.environment.model import Slot
from infra.observability.sleep import idle
from infra.observability.types import Sources
from modules.bindings.aws.autoscaling_group import AutoscalingGroup
from modules.bindings.aws.autoscaling_policy import AutoscalingPolicy
from modules.observability.alarms import metric_alarm
from modules.tags import model_tags


class Sleep(Construct):
    """The alarm of a slot, and the policy that it triggers."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        model: str,
        after: int,
        slot: Slot,
        group: AutoscalingGroup,
        sources: Sources,
    ) -> None:
        super().__init__(scope, id_)
        policy = AutoscalingPolicy(
            self,
            "policy",
            name="sleep",
            autoscaling_group_name=group.name,
            policy_type="StepScaling",
            adjustment_type="ExactCapacity",
            # The alarm fires below its threshold; there is one step, however far below.
            step_adjustment=[{"scaling_adjustment": 0, "metric_interval_upper_bound": "0"}],
        )
        metric_alarm(
            self,
            environment,
            idle(model, after, slot, sources),
            actions=[policy.arn],
            tags=model_tags(model, slot),
        )
