"""Builds the object graph of a command: environment file -> cloud -> adapters.

Everything is built when first used, so that a command pays only for what it touches.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from infra.environment.load import find, load
from infra.environment.model import Environment
from infra.errors import Refused

if TYPE_CHECKING:
    from infra.aws.api_key import SecretApiKey
    from infra.aws.balancer import AwsBalancer
    from infra.aws.fleet import AwsFleet
    from infra.aws.lifetimes import Lifetimes
    from infra.aws.log_reader import LogReader
    from infra.aws.metrics import CloudWatchReader
    from infra.aws.runtime_table import RuntimeTable
    from infra.aws.samples import SampleBucket
    from infra.aws.session import Session
    from infra.aws.state_bucket import StateBucket
    from infra.clock import SystemClock
    from infra.cost.prices import Prices
    from infra.dashboard.source import CloudSource, Connection
    from infra.deploy.types import EnvironmentState, Facts
    from infra.metrics.summary import Summary
    from infra.plan.archive import Archive
    from infra.risk.account import Account
    from infra.teardown.types import Resource
    from infra.terraform.events import Observer
    from infra.terraform.runner import Terraform


@dataclass
class Workspace:
    """One environment and the cloud it lives in."""

    path: Path
    environment: Environment
    starts_cloud: bool = False
    """Whether an embedded cloud that isn't running is started, or the command refused."""
    attempts: int = 5
    """How often a call to the cloud is tried."""

    @property
    def cloud_is_down(self) -> bool:
        """Whether this is an embedded cloud that doesn't run: then nothing in it exists."""
        if self.environment.provider.name != "embedded":
            return False
        from infra.embedded.client import Cloud

        return Cloud.locate(self.environment.environment) is None

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """The process environment with which Terraform and boto3 reach the cloud."""
        import os

        if self.environment.provider.name != "embedded":
            return dict(os.environ)
        from infra.embedded.client import Cloud

        name = self.environment.environment
        cloud = Cloud.ensure(name) if self.starts_cloud else Cloud.locate(name)
        if cloud is None:
            raise Refused(
                f"the embedded cloud {name} is not running, so nothing is deployed",
                hint=f"`llmctl deploy --env {name}` starts it",
            )
        return cloud.environment_over(os.environ, self.environment.provider.region)

    @cached_property
    def session(self) -> "Session":
        """Clients of the environment's account and region."""
        from infra.aws.session import Session

        return Session(self.environment.provider.region, self.variables, attempts=self.attempts)

    @cached_property
    def state_bucket(self) -> "StateBucket":
        """The bucket of the Terraform state; raises `Refused` without credentials for the right account."""
        from infra.aws.account import checked_account
        from infra.aws.state_bucket import StateBucket
        from infra.environment import names

        account = checked_account(self.session, self.environment, self.path)
        return StateBucket(self.session, names.state_bucket(account, self.environment.provider.region))

    @contextmanager
    def terraform(
        self, observer: "Observer", *, force_unlock: str | None = None, archive: "Archive | None" = None
    ) -> Iterator["Terraform"]:
        """Yield Terraform, ready to plan: synthesised first, so that what is wrong shows without an account.

        The run directory is held meanwhile. `force_unlock`: the id of a state lock to release before.
        `archive`: a plan that is there already; it brings its configuration along.
        """
        import os

        from infra.environment import names
        from infra.terraform.runner import Backend, Terraform

        name, region = self.environment.environment, self.environment.provider.region
        with Terraform(self.path, name, os.environ, observer) as terraform:
            terraform.restore(archive.extract) if archive else terraform.synth()
            self._need_state_bucket()
            terraform.reach(self.variables)
            terraform.init(Backend(self.state_bucket.name, names.state_key(name), region))
            if force_unlock:
                terraform.force_unlock(force_unlock)
            yield terraform

    def _need_state_bucket(self) -> None:
        """An embedded cloud begins empty, so the bucket is made there; in an account, people decide."""
        if self.environment.provider.name == "embedded":
            self.state_bucket.ensure()
        elif not self.state_bucket.exists():
            name = self.environment.environment
            raise Refused(
                f"{self.path}: the bucket of the Terraform state, {self.state_bucket.name}, does not exist",
                hint=f"`llmctl bootstrap --env {name}` creates it",
            )

    @cached_property
    def lifetimes(self) -> "Lifetimes":
        """Until when environments may live."""
        from infra.aws.lifetimes import Lifetimes

        return Lifetimes(self.session)

    def renew(self) -> datetime | None:
        """Let the environment live for its `ttl` from now on, or for ever; until when."""
        from infra.environment.base import seconds

        ttl = self.environment.ttl
        expires = self.clock.now() + timedelta(seconds=seconds(ttl)) if ttl else None
        self.lifetimes.renew(self.environment.environment, expires)
        return expires

    @cached_property
    def clock(self) -> "SystemClock":
        """Real time."""
        from infra.clock import SystemClock

        return SystemClock()

    def account_facts(self) -> "Account":
        """What the account has room for."""
        from infra.aws.account_facts import account_facts
        from infra.aws.spot_advisor import SpotAdvisor
        from infra.paths import cache_directory

        return account_facts(self.session, self.environment, SpotAdvisor(cache_directory()), self.clock.now())

    def prices(self) -> "Prices":
        """What AWS asks in the environment's region; for an embedded cloud, nobody is asked."""
        from infra.cost.prices import snapshot

        region = self.environment.provider.region
        if self.environment.provider.name == "embedded":
            return snapshot(region)
        from infra.aws.prices import PriceBook
        from infra.paths import cache_directory

        types = {each for model in self.environment.models.values() for each in model.instances.types}
        return PriceBook(self.session, cache_directory()).read(types, self.clock.now())

    @cached_property
    def fleet(self) -> "AwsFleet":
        """Autoscaling groups and releases."""
        from infra.aws.fleet import AwsFleet

        return AwsFleet(self.session, self.environment)

    @cached_property
    def balancer(self) -> "AwsBalancer":
        """The load balancer."""
        from infra.aws.balancer import AwsBalancer

        return AwsBalancer(self.session, self.environment)

    @cached_property
    def runtime(self) -> "RuntimeTable":
        """The runtime table."""
        from infra.aws.runtime_table import RuntimeTable

        return RuntimeTable(self.session, self.environment.environment)

    @cached_property
    def api_key(self) -> "SecretApiKey":
        """The endpoint's key."""
        from infra.aws.api_key import SecretApiKey

        return SecretApiKey(self.session, self.environment.environment)

    @cached_property
    def log_reader(self) -> "LogReader":
        """Logs of engines and agents."""
        from infra.aws.log_reader import LogReader

        return LogReader(self.session, self.environment.environment)

    @cached_property
    def metric_reader(self) -> "CloudWatchReader":
        """Metrics of the load balancer, the groups and the replicas."""
        from infra.aws.metrics import CloudWatchReader

        return CloudWatchReader(self.session, self.environment.environment)

    def metrics(self, models: Sequence[str], since: float) -> "Summary":
        """What the metrics of the last `since` seconds say; refuses when there is nothing deployed."""
        from infra.environment.base import seconds
        from infra.metrics.summary import summarise
        from infra.metrics.targets import targets
        from infra.metrics.window import window

        found = targets(models, self.balancer, self.runtime, self.metric_reader)
        if not found:
            raise self._not_deployed()
        interval = seconds(self.environment.monitoring.interval)
        return summarise(
            self.environment, found, self.metric_reader, window(self.clock.now(), since, interval)
        )

    def connection(self) -> "Connection":
        """What the local page asks; every client is made here, before several threads use them."""
        from infra.aws.alarms import AlarmReader
        from infra.dashboard.source import Connection

        _ = self.fleet
        return Connection(
            environment=self.environment,
            observe=self.observe_deployed,
            alarms=AlarmReader(self.session, self.environment.environment),
            events=self.runtime.events,
            reader=self.metric_reader,
            origins=self.balancer,
        )

    @cached_property
    def sample_bucket(self) -> "SampleBucket":
        """Captured requests and answers."""
        from infra.aws.samples import SampleBucket

        return SampleBucket(self.session, self.environment.environment, self.clock.now())

    def facts(self) -> "Facts":
        """What the cloud and the runtime table say now."""
        from infra.deploy.observe import read

        return read(self.fleet, self.balancer, self.runtime)

    def observe(self) -> "EnvironmentState":
        """The environment's state now."""
        from infra.deploy.observe import interpret

        return interpret(self.environment, self.facts())

    def observe_deployed(self) -> "EnvironmentState":
        """Like `observe`, but refuses when there is nothing to see."""
        facts = self.facts()
        if facts.address is None and not facts.groups:
            raise self._not_deployed()
        from infra.deploy.observe import interpret

        return interpret(self.environment, facts)

    def explain_nothing(self, what: str) -> None:
        """Say on stderr that there are no `what` in the time asked for; refuses when nothing is deployed."""
        import click

        self.observe_deployed()
        click.echo(f"no {what} in this time", err=True)

    def _not_deployed(self) -> Refused:
        name = self.environment.environment
        return Refused(f"{name} is not deployed", hint=f"`llmctl deploy --env {name}` deploys it")

    def leftovers(self, *, patience: float) -> "tuple[Resource, ...]":
        """What exists of the environment; asked again for `patience` seconds while there is something."""
        from infra.aws.inventory import inventory
        from infra.aws.probes.scope import Scope
        from infra.teardown.removing import settled

        scope = Scope.of(self.environment)
        return settled(lambda: inventory(self.session, scope), self.clock, patience=patience)

    def named_models(self, model: str | None) -> list[str]:
        """The model of that name, or all; raises `Refused` for an unknown name."""
        if model is None:
            return list(self.environment.models)
        if model not in self.environment.models:
            known = ", ".join(self.environment.models)
            raise Refused(f"{self.path}: there is no model {model!r}", hint=f"models: {known}")
        return [model]


def open_workspace(env: str, *, starts_cloud: bool = False) -> Workspace:
    """Find, read and check an environment file; raises `Refused` with every problem in it."""
    path = find(env)
    return Workspace(path, load(path), starts_cloud)


def dashboard_source(env: str) -> "CloudSource":
    """What the local page shows; the file and the cloud are looked up again after each failure."""
    from infra.dashboard.source import CloudSource

    def connect() -> "Connection":
        path = find(env)
        # Two attempts: the page says soon that nobody answers, and asks again by itself.
        return Workspace(path, load(path), attempts=2).connection()

    return CloudSource(connect)
