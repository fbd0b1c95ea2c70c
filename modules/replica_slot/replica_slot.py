"""A slot: a target group, a spot group that carries the load, and an on-demand group beside it.

Each model always has both slots. The balancer sends a slot the share of requests that the runtime has set.
"""

from collections.abc import Sequence

from constructs import Construct

from infra.agent.config import Launch
from infra.environment import names
from infra.environment.base import seconds
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from modules.bindings.aws.launch_template import LaunchTemplate
from modules.bindings.aws.lb_target_group import LbTargetGroup
from modules.replica_slot.group import Group
from modules.tags import model_tags


class ReplicaSlot(Construct):
    """Blue or green."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        model: str,
        slot: Slot,
        launch: Launch,
        template: LaunchTemplate,
        vpc_id: str,
        subnets: Sequence[str],
    ) -> None:
        super().__init__(scope, id_)
        self.target_group = self._targets(environment, model, slot, launch, vpc_id)
        groups = {
            market: Group(
                self,
                market.value,
                environment=environment,
                model=model,
                slot=slot,
                market=market,
                template=template,
                target_group=self.target_group,
                subnets=subnets,
            )
            for market in Market
        }
        self.spot = groups[Market.SPOT].group

    def _targets(
        self, environment: Environment, model: str, slot: Slot, launch: Launch, vpc_id: str
    ) -> LbTargetGroup:
        routing = environment.models[model].routing
        name = names.target_group(environment.environment, model, slot)
        return LbTargetGroup(
            self,
            "targets",
            name=name,
            vpc_id=vpc_id,
            port=launch.port,
            protocol="HTTP",
            target_type="instance",
            load_balancing_algorithm_type=routing.algorithm,
            slow_start=seconds(routing.slow_start) if routing.slow_start else None,
            deregistration_delay=str(seconds(routing.deregistration_delay)),
            health_check={
                "path": launch.health_path,
                "matcher": "200",
                "interval": 5,
                "timeout": 4,
                "healthy_threshold": 2,
                "unhealthy_threshold": 3,
            },
            tags={**model_tags(model, slot), "Name": name},
        )
