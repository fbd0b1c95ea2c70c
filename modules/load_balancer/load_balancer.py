"""The load balancer: one listener, which knows no model of its own and says so; models add their rules.

With a domain it speaks TLS 1.2 and 1.3 with a certificate of that domain, and sends plain HTTP there.
"""

import json
from collections.abc import Sequence

from constructs import Construct

from infra.environment import names
from infra.environment.model import Endpoint
from modules.bindings.aws.lb import Lb
from modules.bindings.aws.lb_listener import DefaultAction, LbListener
from modules.bindings.aws.security_group import SecurityGroup
from modules.bindings.base import Resource
from modules.load_balancer.certificate import Domain

HTTP, HTTPS = 80, 443
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
_IDLE_SECONDS = 600
"""A long answer that isn't streamed is silent for as long as it takes to generate."""
_NO_SUCH_MODEL: DefaultAction = {
    "type": "fixed-response",
    "fixed_response": {
        "content_type": "application/json",
        "status_code": "404",
        "message_body": json.dumps(
            {"error": {"message": "No such model here.", "type": "invalid_request_error"}}
        ),
    },
}


def listener_ports(endpoint: Endpoint) -> tuple[int, ...]:
    """Ports that clients connect to, the redirecting one included."""
    redirected = (HTTP,) if endpoint.domain and endpoint.listener_port != HTTP else ()
    return (endpoint.listener_port, *redirected)


def endpoint_url(endpoint: Endpoint, balancer: Lb) -> str:
    """Where clients find the environment."""
    scheme, host, usual = (
        ("https", endpoint.domain, HTTPS) if endpoint.domain else ("http", balancer.dns_name, HTTP)
    )
    port = endpoint.listener_port
    return f"{scheme}://{host}" + ("" if port == usual else f":{port}")


class LoadBalancer(Construct):
    """The balancer with its listeners."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        endpoint: Endpoint,
        subnets: Sequence[str],
        security_group: SecurityGroup,
        gateways: Sequence[Resource],
        protect: bool,
    ) -> None:
        super().__init__(scope, id_)
        name = names.balancer(environment)
        self.balancer = Lb(
            self,
            "alb",
            name=name,
            load_balancer_type="application",
            internal=False,
            subnets=list(subnets),
            security_groups=[security_group.id],
            idle_timeout=_IDLE_SECONDS,
            drop_invalid_header_fields=True,
            enable_deletion_protection=protect,
            tags={"Name": name},
            depends_on=gateways,
        )
        self.listener = self._secure(endpoint) if endpoint.domain else self._plain(endpoint)
        self.url = endpoint_url(endpoint, self.balancer)

    def _plain(self, endpoint: Endpoint) -> LbListener:
        return LbListener(
            self,
            "listener",
            load_balancer_arn=self.balancer.arn,
            port=endpoint.listener_port,
            protocol="HTTP",
            default_action=[_NO_SUCH_MODEL],
        )

    def _secure(self, endpoint: Endpoint) -> LbListener:
        assert endpoint.domain is not None
        domain = Domain(self, "domain", domain=endpoint.domain, hosted_zone=endpoint.hosted_zone)
        domain.point_to(self.balancer)
        if endpoint.listener_port != HTTP:
            self._redirect(endpoint.listener_port)
        return LbListener(
            self,
            "listener",
            load_balancer_arn=self.balancer.arn,
            port=endpoint.listener_port,
            protocol="HTTPS",
            certificate_arn=domain.certificate_arn,
            ssl_policy=_TLS_POLICY,
            default_action=[_NO_SUCH_MODEL],
        )

    def _redirect(self, port: int) -> None:
        LbListener(
            self,
            "redirect",
            load_balancer_arn=self.balancer.arn,
            port=HTTP,
            protocol="HTTP",
            default_action=[
                {
                    "type": "redirect",
                    "redirect": {"port": str(port), "protocol": "HTTPS", "status_code": "HTTP_301"},
                }
            ],
        )
