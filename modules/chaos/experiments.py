"""Experiments of AWS's Fault Injection Service that take spot instances, for environments that allow chaos.

Making one does nothing; `llmctl chaos run` starts it. The role may interrupt the environment's own spot
instances and nothing else.
"""

from collections.abc import Mapping

from constructs import Construct

from infra.environment import names
from modules.bindings.aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from modules.bindings.aws.fis_experiment_template import FisExperimentTemplate, StopCondition, Target
from modules.bindings.aws.iam_role import IamRole
from modules.bindings.aws.iam_role_policy import IamRolePolicy
from modules.identity.instance_role import Statement, allow, document, partition
from modules.tags import model_tags

_SELECTIONS: Mapping[str, str] = {"one": "COUNT(1)", "half": "PERCENT(50)", "all": "ALL"}
_TARGET = "replicas"
_LEAST = "PT2M"
"""The service's shortest time from start to end: the notice is given at once."""


class ExperimentRole(Construct):
    """What the service may do in an environment."""

    def __init__(self, scope: Construct, id_: str, *, environment: str, region: str, account: str) -> None:
        super().__init__(scope, id_)
        name = names.experiments(environment)
        trust: Statement = {
            "Effect": "Allow",
            "Principal": {"Service": "fis.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
        self.role = IamRole(
            self,
            "role",
            name=name,
            description=f"Experiments on {environment}",
            assume_role_policy=document([trust]),
            tags={"Name": name},
        )
        interrupt = allow(
            "Interrupt",
            ["ec2:SendSpotInstanceInterruptions"],
            [f"arn:{partition(region)}:ec2:{region}:{account}:instance/*"],
        )
        interrupt["Condition"] = {"StringEquals": {f"aws:ResourceTag/{names.TAG_ENVIRONMENT}": environment}}
        find = allow("Find", ["ec2:DescribeInstances"], ["*"])  # AWS has no narrower resource for it
        IamRolePolicy(
            self, "policy", name="experiments", role=self.role.name, policy=document([interrupt, find])
        )


class Experiments(Construct):
    """The experiments on a model: they end early when `alarm` fires, if there is one."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        model: str,
        role: IamRole,
        alarm: CloudwatchMetricAlarm | None,
    ) -> None:
        super().__init__(scope, id_)
        stop: StopCondition = {"source": "none"}
        if alarm:
            stop = {"source": "aws:cloudwatch:alarm", "value": alarm.arn}
        for who, selection in _SELECTIONS.items():
            FisExperimentTemplate(
                self,
                who,
                description=f"Spot takes {who} of {model} in {environment}",
                role_arn=role.arn,
                action=[
                    {
                        "name": "interrupt",
                        "action_id": "aws:ec2:send-spot-instance-interruptions",
                        "parameter": [{"key": "durationBeforeInterruption", "value": _LEAST}],
                        "target": {"key": "SpotInstances", "value": _TARGET},
                    }
                ],
                target=[_target(environment, model, selection)],
                stop_condition=[stop],
                tags={**model_tags(model), names.TAG_CHAOS: who},
            )


def _target(environment: str, model: str, selection: str) -> Target:
    return {
        "name": _TARGET,
        "resource_type": "aws:ec2:spot-instance",
        "selection_mode": selection,
        "resource_tag": [
            {"key": names.TAG_ENVIRONMENT, "value": environment},
            {"key": names.TAG_MODEL, "value": model},
        ],
        "filter": [{"path": "State.Name", "values": ["running"]}],
    }
