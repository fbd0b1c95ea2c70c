"""All resources of one model. Nothing of one model refers to another: they come and go on their own."""

from dataclasses import dataclass

from constructs import Construct

from infra.agent.config import AgentConfig, Launch
from infra.agent.config import Capture as AgentCapture
from infra.agent.config import Monitoring as AgentMonitoring
from infra.engines import registry
from infra.environment import names
from infra.environment.base import seconds
from infra.environment.ecr import ecr_repository
from infra.environment.model import Environment
from infra.environment.monitoring import Capture
from infra.environment.slots import Market, Slot
from infra.guardian.planning import guarded_model
from infra.observability.alarms import alarms, composites
from infra.observability.types import Sources
from modules.bindings.aws.cloudwatch_log_group import CloudwatchLogGroup
from modules.bindings.aws.dynamodb_table import DynamodbTable
from modules.bindings.aws.iam_role import IamRole
from modules.bindings.aws.lambda_function import LambdaFunction
from modules.bindings.aws.lb_listener_rule import LbListenerRule
from modules.bindings.aws.lb_target_group import LbTargetGroup
from modules.bindings.aws.sns_topic import SnsTopic
from modules.capture.samples import Samples
from modules.chaos.experiments import Experiments
from modules.guardian.guardian import Guarded
from modules.identity.instance_role import ImageAccess, InstanceRole, WeightsAccess
from modules.load_balancer.load_balancer import LoadBalancer
from modules.load_balancer.rule import ModelRule, SlotRule
from modules.network.firewall import Firewall
from modules.network.network import Network
from modules.observability.alarms import Alarms
from modules.observability.dashboards import ModelDashboard
from modules.release.release import Release
from modules.replica_slot.replica_slot import ReplicaSlot
from modules.scaling.scaling import TargetTracking
from modules.state.artefacts import Artefacts
from modules.tags import environment_tags, model_tags
from modules.waker.waker import WakerTarget

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
    table: DynamodbTable
    topic: SnsTopic
    waker: LambdaFunction | None
    samples: Samples | None
    """Only if a model captures."""
    experiments: IamRole | None
    """Only if chaos is allowed."""


class ModelResources(Construct):
    """A model: its release, its two slots, its rules, what scales it, its logs and alarms.

    `sources`: where its metrics are found.
    """

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
        rule = self._route(slots)
        self.sources = self._sources(slots)
        self._scale(slots, rule)
        self._experiment(self._watch())
        self._guard()

    def _experiment(self, alarms: Alarms) -> None:
        """Experiments end when the model has nobody left."""
        if self._foundation.experiments:
            Experiments(
                self,
                "experiments",
                environment=self._environment.environment,
                model=self._model,
                role=self._foundation.experiments,
                alarm=alarms.created.get("no-healthy-replica"),
            )

    def _guard(self) -> None:
        guarded = guarded_model(self._model, self._environment.models[self._model])
        if guarded:
            Guarded(self, "guarded", table=self._foundation.table, model=guarded)

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
            config=agent_config(self._environment, self._model, launch, self._foundation.samples),
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

    def _route(self, slots: dict[Slot, ReplicaSlot]) -> LbListenerRule:
        for slot, resources in slots.items():
            SlotRule(
                self,
                f"{slot.value}_rule",
                environment=self._environment,
                model=self._model,
                slot=slot,
                listener=self._foundation.load_balancer.listener,
                target_group=resources.target_group,
            )
        return ModelRule(
            self,
            "rule",
            environment=self._environment,
            model=self._model,
            listener=self._foundation.load_balancer.listener,
            blue=slots[Slot.BLUE].target_group,
            green=slots[Slot.GREEN].target_group,
            waker=self._waker(),
        ).rule

    def _waker(self) -> LbTargetGroup | None:
        """Where requests go while the model sleeps, if it may."""
        if not self._environment.models[self._model].replicas.sleep_after:
            return None
        function = self._foundation.waker
        assert function is not None, "an environment has a waker if any of its models may sleep"
        return WakerTarget(
            self, "waker", environment=self._environment.environment, model=self._model, function=function
        ).target_group

    def _sources(self, slots: dict[Slot, ReplicaSlot]) -> Sources:
        environment = self._environment.environment
        return Sources(
            balancer=self._foundation.load_balancer.balancer.arn_suffix,
            target_groups={slot: resources.target_group.arn_suffix for slot, resources in slots.items()},
            groups={
                (slot, market): names.group(environment, self._model, slot, market)
                for slot in Slot
                for market in Market
            },
        )

    def _scale(self, slots: dict[Slot, ReplicaSlot], rule: LbListenerRule) -> None:
        """Both slots alike: in the idle one there is nothing to follow."""
        model = self._environment.models[self._model]
        for slot, resources in slots.items():
            if model.scaling:
                TargetTracking(
                    self,
                    f"scaling_{slot.value}",
                    environment=self._environment.environment,
                    model=self._model,
                    scaling=model.scaling,
                    slot=slot,
                    group=resources.spot,
                    sources=self.sources,
                    rule=rule,
                )

    def _watch(self) -> Alarms:
        watching = Alarms(
            self,
            "alarms",
            environment=self._environment.environment,
            alarms=alarms(self._environment, self._model, self.sources),
            composites=composites(self._environment, self._model, self.sources),
            topic=self._foundation.topic,
            tags=model_tags(self._model),
        )
        if self._environment.monitoring.dashboards:
            ModelDashboard(
                self,
                "dashboard",
                environment=self._environment,
                model=self._model,
                sources=self.sources,
            )
        return watching


def agent_config(
    environment: Environment, model: str, launch: Launch, samples: Samples | None
) -> AgentConfig:
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
        monitoring=AgentMonitoring(
            interval_seconds=seconds(environment.monitoring.interval),
            replicas=environment.monitoring.replicas,
            scrape=bool(environment.monitoring.scrape_from),
        ),
        capture=_capture(spec.capture, samples),
    )


def _capture(spec: Capture | None, samples: Samples | None) -> AgentCapture | None:
    if spec is None or samples is None:
        return None
    return AgentCapture(
        bucket=samples.bucket.id, rate=spec.rate, redact=spec.redact, max_bytes=spec.max_bytes
    )
