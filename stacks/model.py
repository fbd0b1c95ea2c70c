"""All resources of one model. Nothing of one model refers to another: they come and go on their own."""

from dataclasses import dataclass

from constructs import Construct

from infra.agent.config import AgentConfig, Launch
from infra.engines import registry
from infra.environment import names
from infra.environment.ecr import ecr_repository
from infra.environment.model import Environment, Slot, seconds
from modules.bindings.aws.cloudwatch_log_group import CloudwatchLogGroup
from modules.identity.instance_role import ImageAccess, InstanceRole, WeightsAccess
from modules.load_balancer.load_balancer import LoadBalancer
from modules.load_balancer.rule import ModelRule
from modules.network.firewall import Firewall
from modules.network.network import Network
from modules.release.release import Release
from modules.replica_slot.replica_slot import ReplicaSlot
from modules.scaling.scaling import RequestsPerReplica
from modules.state.artefacts import Artefacts
from modules.tags import environment_tags, model_tags

_LOG_DAYS = 30
_S3 = "s3://"


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """What the models of an environment share."""

    network: Network
    firewall: Firewall
    load_balancer: LoadBalancer
    artefacts: Artefacts
    role: InstanceRole


class ModelResources(Construct):
    """A model: its release, its two slots, its rule, its logs."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        model: str,
        foundation: Foundation,
    ) -> None:
        super().__init__(scope, id_)
        self._environment = environment
        self._model = model
        self._foundation = foundation
        launch = registry.launch(environment, model)
        CloudwatchLogGroup(
            self,
            "logs",
            name=names.log_group(environment.environment, model),
            retention_in_days=_LOG_DAYS,
            tags=model_tags(model),
        )
        self._access(launch)
        release = self._release(launch)
        slots = {slot: self._slot(slot, launch, release) for slot in Slot}
        self._route(slots)

    def _access(self, launch: Launch) -> None:
        """What the instances of this model may read beside what all may."""
        source = self._environment.models[self._model].source
        role = self._foundation.role.role
        if source.startswith(_S3):
            region = self._environment.provider.region
            WeightsAccess(self, "weights", role=role, model=self._model, uri=source, region=region)
        if repository := ecr_repository(launch.image):
            ImageAccess(self, "image", role=role, model=self._model, repository=repository)

    def _release(self, launch: Launch) -> Release:
        spec = self._environment.models[self._model]
        return Release(
            self,
            "release",
            config=agent_config(self._environment, self._model, launch),
            agent=self._foundation.artefacts.agent,
            ami=spec.instances.ami,
            disk_gib=spec.instances.disk_gib,
            profile=self._foundation.role.profile,
            security_group=self._foundation.firewall.instances,
            tags={**environment_tags(self._environment), **model_tags(self._model)},
        )

    def _slot(self, slot: Slot, launch: Launch, release: Release) -> ReplicaSlot:
        network = self._foundation.network
        return ReplicaSlot(
            self,
            slot.value,
            environment=self._environment,
            model=self._model,
            slot=slot,
            launch=launch,
            template=release.template,
            vpc_id=network.vpc_id,
            subnets=network.private_subnets(self._environment.models[self._model].instances.zones),
        )

    def _route(self, slots: dict[Slot, ReplicaSlot]) -> None:
        balancer = self._foundation.load_balancer
        routed = ModelRule(
            self,
            "rule",
            environment=self._environment,
            model=self._model,
            listener=balancer.listener,
            blue=slots[Slot.BLUE].target_group,
            green=slots[Slot.GREEN].target_group,
        )
        scaling = self._environment.models[self._model].scaling
        for slot, resources in slots.items():
            if scaling:
                RequestsPerReplica(
                    self,
                    f"scaling_{slot.value}",
                    scaling=scaling,
                    slot=resources,
                    balancer=balancer.balancer,
                    rule=routed.rule,
                )


def agent_config(environment: Environment, model: str, launch: Launch) -> AgentConfig:
    """What the agents of a model are told."""
    spec = environment.models[model]
    name = environment.environment
    return AgentConfig(
        environment=name,
        model=model,
        region=environment.provider.region,
        runtime_table=names.runtime_table(name),
        log_group=names.log_group(name, model),
        api_key_secret=names.api_key_secret(name) if environment.endpoint.auth == "api-key" else None,
        weights_uri=spec.source if spec.source.startswith(_S3) else None,
        engine=launch,
        launch_hook=names.LAUNCH_HOOK,
        terminate_hook=names.TERMINATE_HOOK,
        drain_seconds=seconds(spec.routing.deregistration_delay),
    )
