"""Target tracking: as many spot replicas as hold a metric, per replica, at the target.

Both slots have the policy. It does nothing in the idle one: no requests, no replicas, no data.
"""

from constructs import Construct

from infra.environment.base import seconds
from infra.environment.model import Scaling
from infra.environment.slots import Slot
from infra.observability.tracking import tracked
from infra.observability.types import Line, Sources, Term
from modules.bindings.aws.autoscaling_group import AutoscalingGroup
from modules.bindings.aws.autoscaling_policy import (
    AutoscalingPolicy,
    TargetTrackingConfiguration,
    TargetTrackingConfigurationCustomizedMetricSpecification,
    TargetTrackingConfigurationCustomizedMetricSpecificationMetrics,
)
from modules.bindings.aws.lb_listener_rule import LbListenerRule


class TargetTracking(Construct):
    """The policy of a slot's spot group."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        model: str,
        scaling: Scaling,
        slot: Slot,
        group: AutoscalingGroup,
        sources: Sources,
        rule: LbListenerRule,
    ) -> None:
        super().__init__(scope, id_)
        line = tracked(environment, model, scaling, slot, sources)
        metric: TargetTrackingConfiguration = (
            {
                "target_value": scaling.target,
                "predefined_metric_specification": {
                    "predefined_metric_type": "ALBRequestCountPerTarget",
                    "resource_label": f"{sources.balancer}/{sources.target_groups[slot]}",
                },
            }
            if line is None
            else {"target_value": scaling.target, "customized_metric_specification": _customized(line)}
        )
        AutoscalingPolicy(
            self,
            "policy",
            name=scaling.measure.replace("_", "-"),
            autoscaling_group_name=group.name,
            policy_type="TargetTrackingScaling",
            estimated_instance_warmup=seconds(scaling.warmup),
            target_tracking_configuration={**metric, "disable_scale_in": not scaling.scale_in},
            depends_on=[rule],  # AWS knows the metric once the target group is behind the balancer
        )


def _customized(line: Line) -> TargetTrackingConfigurationCustomizedMetricSpecification:
    if line.expression is None:
        (term,) = line.terms
        return {
            "namespace": term.namespace,
            "metric_name": term.name,
            "statistic": term.statistic,
            "metric_dimension": [{"name": name, "value": value} for name, value in term.dimensions],
        }
    result: TargetTrackingConfigurationCustomizedMetricSpecificationMetrics = {
        "id": "tracked",
        "expression": line.expression,
        "label": line.label,
        "return_data": True,
    }
    return {"metrics": [*(_query(term) for term in line.terms), result]}


def _query(term: Term) -> TargetTrackingConfigurationCustomizedMetricSpecificationMetrics:
    return {
        "id": term.id,
        "return_data": False,
        "metric_stat": {
            "stat": term.statistic,
            "metric": {
                "namespace": term.namespace,
                "metric_name": term.name,
                "dimensions": [{"name": name, "value": value} for name, value in term.dimensions],
            },
        },
    }
