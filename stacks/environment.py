"""The stack of an environment: what its models share, then each model."""

from collections.abc import Mapping

from cdktf import TerraformStack
from constructs import Construct

from infra.environment import names
from infra.environment.model import Environment
from infra.environment.record import RECORD, encoded
from infra.guardian.bundle import guardian_bundle
from infra.observability.alarms import environment_alarms
from infra.observability.types import Sources
from infra.paths import cache_directory
from infra.waker.bundle import waker_bundle
from infra.watchdog.bundle import watchdog_bundle
from modules.bindings.aws.data_caller_identity import DataCallerIdentity
from modules.bindings.aws.dynamodb_table import DynamodbTable
from modules.bindings.aws.iam_role import IamRole
from modules.bindings.aws.lambda_function import LambdaFunction
from modules.bindings.aws.sns_topic import SnsTopic
from modules.bindings.base import literal, output
from modules.capture.samples import Samples
from modules.chaos.experiments import ExperimentRole
from modules.guardian.guardian import Guardian
from modules.identity.instance_role import InstanceRole
from modules.load_balancer.load_balancer import LoadBalancer, listener_ports
from modules.network.endpoints import ServiceEndpoints
from modules.network.firewall import Firewall
from modules.network.network import ExistingNetwork, Network, OwnNetwork
from modules.observability.alarms import Alarms
from modules.observability.dashboards import EnvironmentDashboard
from modules.observability.topic import AlarmTopic
from modules.state.artefacts import AgentFile, Artefacts
from modules.state.runtime import ApiKeySecret, RuntimeTable
from modules.tags import environment_tags
from modules.waker.waker import Waker
from modules.watchdog.watchdog import Watchdog
from stacks.model import Foundation, ModelResources
from stacks.terraform import configure
from stacks.waker import waker_config


class EnvironmentStack(TerraformStack):
    """Everything of one environment."""

    def __init__(self, scope: Construct, id_: str, *, environment: Environment, agent: AgentFile) -> None:
        super().__init__(scope, id_)
        self._environment = environment
        self._name = environment.environment
        self._region = environment.provider.region
        configure(self, environment, key=names.state_key(self._name), tags=environment_tags(environment))
        foundation = self._foundation(agent)
        models = {
            model: ModelResources(
                self, f"model_{model}", environment=environment, model=model, foundation=foundation
            )
            for model in environment.models
        }
        self._watch({name: model.sources for name, model in models.items()}, foundation)

    def _foundation(self, agent: AgentFile) -> Foundation:
        environment, protect = self._environment, self._environment.protect
        network = self._network()
        firewall = self._firewall(network)
        table = RuntimeTable(self, "runtime", environment=self._name, protect=protect).table
        secret = None
        if environment.endpoint.auth == "api-key":
            secret = ApiKeySecret(self, "api_key", environment=self._name, protect=protect).secret
        account = DataCallerIdentity(self, "account").account_id
        artefacts = self._artefacts(account, agent)
        role = InstanceRole(
            self,
            "instances",
            environment=self._name,
            region=self._region,
            account=account,
            table=table,
            artefacts=artefacts,
            secret=secret,
        )
        balancer = self._load_balancer(network, firewall)
        self._watchdog(account, table)
        self._guardian(account, table)
        experiments = self._experiments(account)
        self._outputs(balancer, table)
        return Foundation(
            network=network,
            firewall=firewall,
            load_balancer=balancer,
            artefacts=artefacts,
            role=role,
            table=table,
            topic=self._topic(account),
            waker=self._waker(account, table),
            samples=self._samples(account, role),
            experiments=experiments,
        )

    def _outputs(self, balancer: LoadBalancer, table: DynamodbTable) -> None:
        output(self, "endpoint", balancer.url, description="Where clients find the environment")
        output(self, "balancer_dns", balancer.balancer.dns_name, description="DNS name of the balancer")
        output(self, "runtime_table", table.name, description="DynamoDB table of the runtime")
        record = literal(encoded(self._environment))
        output(self, RECORD, record, description="The environment file that was applied")

    def _topic(self, account: str) -> SnsTopic:
        return AlarmTopic(
            self,
            "alarms",
            environment=self._name,
            region=self._region,
            account=account,
            notify=self._environment.monitoring.notify,
        ).topic

    def _samples(self, account: str, role: InstanceRole) -> Samples | None:
        """Where samples go; nothing of it exists unless a model captures."""
        models = {name: each.capture for name, each in self._environment.models.items() if each.capture}
        if not models:
            return None
        return Samples(
            self,
            "samples",
            environment=self._name,
            region=self._region,
            account=account,
            models=models,
            instances=role.role,
            protect=self._environment.protect,
        )

    def _waker(self, account: str, table: DynamodbTable) -> LambdaFunction | None:
        """Only where a model may sleep."""
        config = waker_config(self._environment)
        if config is None:
            return None
        return Waker(
            self,
            "waker",
            environment=self._name,
            region=self._region,
            account=account,
            table=table,
            package=waker_bundle(config, cache_directory()),
        ).function

    def _watchdog(self, account: str, table: DynamodbTable) -> None:
        Watchdog(
            self,
            "watchdog",
            environment=self._name,
            region=self._region,
            account=account,
            table=table,
            package=watchdog_bundle(cache_directory()),
        )

    def _guardian(self, account: str, table: DynamodbTable) -> None:
        Guardian(
            self,
            "guardian",
            environment=self._name,
            region=self._region,
            account=account,
            table=table,
            package=guardian_bundle(cache_directory()),
        )

    def _experiments(self, account: str) -> IamRole | None:
        """Only where chaos is allowed."""
        if not self._environment.chaos.allow:
            return None
        return ExperimentRole(
            self, "experiments", environment=self._name, region=self._region, account=account
        ).role

    def _watch(self, sources: Mapping[str, Sources], foundation: Foundation) -> None:
        Alarms(
            self,
            "watch",
            environment=self._name,
            alarms=environment_alarms(self._environment, sources),
            topic=foundation.topic,
        )
        if self._environment.monitoring.dashboards:
            EnvironmentDashboard(self, "dashboard", environment=self._environment, sources=sources)

    def _network(self) -> Network:
        spec = self._environment.network
        if spec.vpc_id:
            return ExistingNetwork(spec.vpc_id, spec.private_subnets, spec.public_subnets)
        assert spec.cidr is not None, "the loader accepts a network with cidr or vpc_id"
        return OwnNetwork(
            self,
            "network",
            environment=self._name,
            region=self._region,
            cidr=spec.cidr,
            zones=self._zones(),
            egress=spec.egress,
        )

    def _zones(self) -> list[str]:
        """Zones of all models, in the file's order: a model that is added at its end moves nothing."""
        models = self._environment.models.values()
        return list(dict.fromkeys(zone for model in models for zone in model.instances.zones))

    def _firewall(self, network: Network) -> Firewall:
        firewall = Firewall(
            self,
            "firewall",
            environment=self._name,
            vpc_id=network.vpc_id,
            allow_cidrs=self._environment.endpoint.allow_cidrs,
            ports=listener_ports(self._environment.endpoint),
            scrape_from=self._environment.monitoring.scrape_from,
        )
        if isinstance(network, OwnNetwork) and self._environment.network.egress == "endpoints":
            ServiceEndpoints(
                self,
                "services",
                environment=self._name,
                region=self._region,
                vpc_id=network.vpc_id,
                subnets=network.private_subnets(self._zones()),
                instances=firewall.instances,
            )
        return firewall

    def _artefacts(self, account: str, agent: AgentFile) -> Artefacts:
        # The name is made for an account of twelve digits, which may be known to Terraform only.
        digits = "0" * 12
        name = names.artefact_bucket(digits, self._name, self._region).replace(digits, account)
        return Artefacts(self, "artefacts", bucket=name, region=self._region, agent=agent)

    def _load_balancer(self, network: Network, firewall: Firewall) -> LoadBalancer:
        return LoadBalancer(
            self,
            "balancer",
            environment=self._name,
            endpoint=self._environment.endpoint,
            subnets=network.public_subnets,
            security_group=firewall.balancer,
            gateways=network.gateways,
            protect=self._environment.protect,
        )
