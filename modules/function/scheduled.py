"""A function that is invoked once a minute: its log, its role, its schedule, and the events it wants beside.

What a function may do is told by whoever makes it; this only adds that it may write its own log.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdktf import AssetType, TerraformAsset
from constructs import Construct

from modules.bindings.aws.cloudwatch_event_rule import CloudwatchEventRule
from modules.bindings.aws.cloudwatch_event_target import CloudwatchEventTarget
from modules.bindings.aws.cloudwatch_log_group import CloudwatchLogGroup
from modules.bindings.aws.iam_role import IamRole
from modules.bindings.aws.iam_role_policy import IamRolePolicy
from modules.bindings.aws.lambda_function import LambdaFunction
from modules.bindings.aws.lambda_permission import LambdaPermission
from modules.bindings.base import StringMap
from modules.identity.instance_role import Statement, allow, document, partition

_RUNTIME = "python3.12"
_LOG_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """What is run, and what it may do."""

    kind: str
    """What it is: waker."""
    name: str
    """What it and its role and schedule are called."""
    description: str
    """What it is for."""
    role: str
    """The description of its role."""
    task: str
    """What it does each minute."""
    handler: str
    package: Path
    """Its zip."""
    timeout_seconds: int
    memory_mib: int
    statements: Sequence[Statement]
    variables: StringMap | None = None


class ScheduledFunction(Construct):
    """The function with all that belongs to it."""

    def __init__(self, scope: Construct, id_: str, *, spec: FunctionSpec, region: str, account: str) -> None:
        super().__init__(scope, id_)
        name = spec.name
        logs = CloudwatchLogGroup(
            self, "logs", name=f"/aws/lambda/{name}", retention_in_days=_LOG_DAYS, tags={"Name": name}
        )
        role = self._role(spec, _log(name, region, account))
        asset = TerraformAsset(self, "package", path=str(spec.package), type=AssetType.FILE)
        self.function = LambdaFunction(
            self,
            "function",
            function_name=name,
            description=spec.description,
            role=role.arn,
            runtime=_RUNTIME,
            handler=spec.handler,
            filename=asset.path,
            source_code_hash=asset.asset_hash,
            timeout=spec.timeout_seconds,
            memory_size=spec.memory_mib,
            environment={"variables": spec.variables} if spec.variables else None,
            tags={"Name": name},
            depends_on=[logs],  # else the function would make a group without an end
        )
        self._schedule(spec)

    def _role(self, spec: FunctionSpec, log: Statement) -> IamRole:
        trust: Statement = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = IamRole(
            self,
            "role",
            name=spec.name,
            description=spec.role,
            assume_role_policy=document([trust]),
            tags={"Name": spec.name},
        )
        policy = document([*spec.statements, log])
        IamRolePolicy(self, "policy", name=spec.kind, role=role.name, policy=policy)
        return role

    def _schedule(self, spec: FunctionSpec) -> None:
        rule = CloudwatchEventRule(
            self,
            "schedule",
            name=spec.name,
            description=spec.task,
            schedule_expression="rate(1 minute)",
            tags={"Name": spec.name},
        )
        CloudwatchEventTarget(self, "target", rule=rule.name, target_id=spec.kind, arn=self.function.arn)
        self._permit("scheduled", "schedule", rule)

    def on_event(self, spec: FunctionSpec, id_: str, task: str, pattern: Mapping[str, Any]) -> None:
        """Invoke it for every event that matches, too. `task`: what it does then."""
        name = f"{spec.name}-{id_}"
        rule = CloudwatchEventRule(
            self, id_, name=name, description=task, event_pattern=json.dumps(pattern), tags={"Name": name}
        )
        CloudwatchEventTarget(
            self, f"{id_}_target", rule=rule.name, target_id=spec.kind, arn=self.function.arn
        )
        self._permit(f"{id_}_permission", id_, rule)

    def _permit(self, id_: str, statement: str, rule: CloudwatchEventRule) -> None:
        LambdaPermission(
            self,
            id_,
            statement_id=statement,
            action="lambda:InvokeFunction",
            function_name=self.function.id,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
        )


def _log(name: str, region: str, account: str) -> Statement:
    group = f"arn:{partition(region)}:logs:{region}:{account}:log-group:/aws/lambda/{name}"
    return allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{group}:*"])
