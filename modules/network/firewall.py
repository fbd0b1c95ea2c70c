"""Who may talk to whom: clients to the listeners, the balancer to the engines, a Prometheus to the agents.

Nobody else may, and the Prometheus only from where the file says.

All rules of an environment are in this file (and the one to the service endpoints, beside them), each a
resource of its own: rules that are written inside a security group can't be added or removed one by one.
"""

from collections.abc import Sequence

from constructs import Construct

from infra.agent.config import ENGINE_PORT, METRICS_PORT
from infra.environment import names
from modules.bindings.aws.security_group import SecurityGroup
from modules.bindings.aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from modules.bindings.aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule


class Firewall(Construct):
    """The security groups of the balancer and of the instances."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        vpc_id: str,
        allow_cidrs: Sequence[str],
        ports: Sequence[int],
        scrape_from: Sequence[str],
    ) -> None:
        super().__init__(scope, id_)
        self._prefix = names.stack(environment)
        self.balancer = self._group("balancer", vpc_id, "Load balancer: from the allowed ranges")
        self.instances = self._group("instances", vpc_id, "Instances: from the load balancer")
        for port in ports:
            self._admit(self.balancer, allow_cidrs, port, "Clients", id_=f"clients_{{}}_{port}")
        self._engines()
        self._admit(self.instances, scrape_from, METRICS_PORT, "Prometheus", id_="scrape_{}")
        VpcSecurityGroupEgressRule(
            self,
            "instances_out",
            security_group_id=self.instances.id,
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="-1",
            description="Images, weights and AWS",
        )

    def _admit(
        self, group: SecurityGroup, cidrs: Sequence[str], port: int, description: str, *, id_: str
    ) -> None:
        """Let ranges reach a port; `id_` has a place for each range."""
        for cidr in dict.fromkeys(cidrs):
            VpcSecurityGroupIngressRule(
                self,
                id_.format(_slug(cidr)),
                security_group_id=group.id,
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                description=description,
            )

    def _engines(self) -> None:
        """The one way to an engine."""
        VpcSecurityGroupEgressRule(
            self,
            "balancer_engines",
            security_group_id=self.balancer.id,
            referenced_security_group_id=self.instances.id,
            ip_protocol="tcp",
            from_port=ENGINE_PORT,
            to_port=ENGINE_PORT,
            description="Engines",
        )
        VpcSecurityGroupIngressRule(
            self,
            "engines_balancer",
            security_group_id=self.instances.id,
            referenced_security_group_id=self.balancer.id,
            ip_protocol="tcp",
            from_port=ENGINE_PORT,
            to_port=ENGINE_PORT,
            description="Load balancer",
        )

    def _group(self, role: str, vpc_id: str, description: str) -> SecurityGroup:
        name = f"{self._prefix}-{role}"
        return SecurityGroup(
            self, role, name=name, vpc_id=vpc_id, description=description, tags={"Name": name}
        )


def _slug(cidr: str) -> str:
    return cidr.replace(".", "-").replace("/", "_")
