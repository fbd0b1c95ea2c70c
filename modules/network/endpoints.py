"""Private endpoints of the AWS services that an instance talks to, where there is no way to the internet."""

from collections.abc import Sequence

from constructs import Construct

from infra.environment import names
from modules.bindings.aws.security_group import SecurityGroup
from modules.bindings.aws.vpc_endpoint import VpcEndpoint
from modules.bindings.aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule

_SERVICES = (
    "autoscaling",
    "ecr.api",
    "ecr.dkr",
    "elasticloadbalancing",
    "logs",
    "monitoring",
    "secretsmanager",
)
"""What the agent and Docker call; S3 and DynamoDB have gateway endpoints in the network itself."""
_HTTPS = 443


class ServiceEndpoints(Construct):
    """One interface endpoint for each service, reachable by the instances only."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        region: str,
        vpc_id: str,
        subnets: Sequence[str],
        instances: SecurityGroup,
    ) -> None:
        super().__init__(scope, id_)
        prefix = names.stack(environment)
        group = self._group(f"{prefix}-endpoints", vpc_id, instances)
        for service in _SERVICES:
            VpcEndpoint(
                self,
                service.replace(".", "-"),
                vpc_id=vpc_id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(subnets),
                security_group_ids=[group.id],
                tags={"Name": f"{prefix}-{service}"},
            )

    def _group(self, name: str, vpc_id: str, instances: SecurityGroup) -> SecurityGroup:
        group = SecurityGroup(
            self,
            "endpoints",
            name=name,
            vpc_id=vpc_id,
            description="AWS services: from the instances",
            tags={"Name": name},
        )
        VpcSecurityGroupIngressRule(
            self,
            "instances",
            security_group_id=group.id,
            referenced_security_group_id=instances.id,
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
            description="Instances",
        )
        return group
