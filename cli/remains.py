"""An environment known by its name alone: its file is gone, or was never here."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli.context import open_workspace
from cli.destroying import DRAIN_SECONDS, say, take_down
from cli.render.terraform import showing
from infra.aws import scaling_group
from infra.aws.inventory import inventory
from infra.aws.lifetimes import Lifetimes
from infra.aws.probes.scope import Scope
from infra.aws.session import CREDENTIALS_HINT, Session
from infra.aws.state_bucket import StateBucket
from infra.clock import SystemClock
from infra.environment import names
from infra.errors import ExitCode, LlmctlError, Refused
from infra.teardown.removing import Left, settled
from infra.terraform.runner import Backend, Terraform

if TYPE_CHECKING:
    from infra.deploy.ports import Clock
    from infra.teardown.types import Resource
    from infra.terraform.events import Observer

_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Account:
    """A cloud to look into: that of an environment, or that of the credentials at hand."""

    session: Session
    variables: Mapping[str, str]
    """The process environment with which Terraform reaches it."""
    clock: "Clock"


@dataclass(frozen=True)
class Remains:
    """What there may be of an environment in an account."""

    account: Account
    name: str

    @property
    def session(self) -> Session:
        """Clients of its cloud."""
        return self.account.session

    @property
    def clock(self) -> "Clock":
        """Time."""
        return self.account.clock

    def leftovers(self, *, patience: float) -> "tuple[Resource, ...]":
        """What exists of it; asked again for `patience` seconds while there is something."""
        return settled(lambda: inventory(self.session, Scope(self.name)), self.clock, patience=patience)

    @contextmanager
    def terraform(self, observer: "Observer", *, force_unlock: str | None = None) -> Iterator[Terraform]:
        """Yield Terraform with nothing but the state: enough to destroy what that lists."""
        bucket = StateBucket(self.session, names.state_bucket(self.session.account, self.session.region))
        if not bucket.exists():
            raise Refused(
                f"there is no bucket of the Terraform state in {self.session.region}: {bucket.name}",
                hint="--region R looks in another region",
            )
        with Terraform(Path(f"{self.name}.yaml"), self.name, self.account.variables, observer) as terraform:
            terraform.configure_bare(self.session.region)
            terraform.init(Backend(bucket.name, names.state_key(self.name), self.session.region))
            if force_unlock:
                terraform.force_unlock(force_unlock)
            yield terraform

    def destroy(self, *, force_unlock: str | None = None) -> tuple[Left, ...]:
        """Drain it and take everything down; what is left then, and why.

        Raises `Refused` for what AWS itself protects: no file says otherwise.
        """
        found = self.leftovers(patience=0)
        if guarded := [each for each in found if each.protected]:
            listed = "\n".join(f"  {each.kind} {each.id}" for each in guarded)
            raise Refused(
                f"{self.name} is PROTECTED and will not be destroyed:\n{listed}",
                hint="set `protect: false` in its file, deploy that, and run destroy with the file",
            )
        with showing() as observe, self.terraform(observe, force_unlock=force_unlock) as terraform:
            self._drain(found)
            left = take_down(self, terraform, yes=True, lift_protection=False)
        if not left:
            Lifetimes(self.session).renew(self.name, None)
        return left

    def _drain(self, found: "tuple[Resource, ...]") -> None:
        """Take every group to zero, and wait until none has an instance, so that no request is cut off."""
        groups = [each.id for each in found if each.kind == "autoscaling group"]
        for group in groups:
            scaling_group.resize(self.session.autoscaling, group, minimum=0, desired=0)
        if not groups:
            return
        say(f"draining {len(groups)} groups")
        deadline = self.clock.now() + timedelta(seconds=DRAIN_SECONDS)
        while scaling_group.occupied(self.session.autoscaling, groups):
            if self.clock.now() >= deadline:
                raise LlmctlError(
                    f"the replicas of {self.name} did not drain within {DRAIN_SECONDS} s",
                    hint="run it again",
                    code=ExitCode.INCONCLUSIVE,
                )
            self.clock.sleep(_POLL_SECONDS)


def account(env: str | None, region: str | None) -> Account:
    """The cloud of the environment `env`, or of the current credentials in a region; raises `Refused`."""
    if env is not None:
        workspace = open_workspace(env)
        return Account(workspace.session, workspace.variables, workspace.clock)
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise Refused(
            "which region?", hint="--region R, or AWS_REGION; --env NAME takes that of an environment"
        )
    session = Session(region, os.environ)
    if session.credential_source is None:
        raise Refused("no AWS credentials found", hint=CREDENTIALS_HINT)
    return Account(session, dict(os.environ), SystemClock())
