"""What the balancer asks of the account and tells it: four calls, so that tests need no moto."""

from typing import Protocol

from infra.embedded.aws.health import Health
from infra.embedded.aws.views import LoadBalancer


class Cloud(Protocol):
    """The account whose load balancers are served."""

    def load_balancers(self) -> tuple[LoadBalancer, ...]:
        """All load balancers as they are now."""

    def set_dns_name(self, balancer_arn: str, name: str) -> None:
        """Tell where clients reach a load balancer; nothing happens if it is gone."""

    def set_target_health(self, group_arn: str, target_id: str, port: int, health: Health) -> None:
        """Tell the health of a registered target."""

    def drained(self, group_arn: str, target_id: str, port: int) -> None:
        """Tell that a draining target has no request left."""


class EmulatedAws:
    """The account in this process."""

    def load_balancers(self) -> tuple[LoadBalancer, ...]:
        """All load balancers of all accounts and regions."""
        from infra.embedded.aws import views

        return views.load_balancers()

    def set_dns_name(self, balancer_arn: str, name: str) -> None:
        """Set the name that DescribeLoadBalancers gives."""
        from infra.embedded.aws import elbv2

        try:
            elbv2.set_dns_name(balancer_arn, name)
        except elbv2.UnknownLoadBalancerError:
            return  # deleted since the view was taken

    def set_target_health(self, group_arn: str, target_id: str, port: int, health: Health) -> None:
        """Set what DescribeTargetHealth says."""
        from infra.embedded.aws import elbv2

        elbv2.set_target_health(group_arn, target_id, port, health.state, health.reason, health.description)

    def drained(self, group_arn: str, target_id: str, port: int) -> None:
        """End a target's deregistration."""
        from infra.embedded.aws import elbv2

        elbv2.drained(group_arn, target_id, port)
