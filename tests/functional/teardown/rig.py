"""An environment with everything in it, an emulated account, and applies that are killed at will."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.context import Workspace
from cli.destroying import destroy
from cli.remains import Account, account
from infra.aws.inventory import inventory
from infra.aws.probes.scope import Scope
from infra.embedded import aws
from infra.embedded.aws.server import Server
from infra.environment.load import load
from infra.errors import ExitCode, LlmctlError
from infra.teardown.removing import Left
from infra.teardown.types import Resource
from infra.terraform.directory import RunDirectory
from infra.terraform.events import ApplyComplete, Event
from infra.terraform.process import kill_group

NAME = "crash"
ZONE = "example.com"
FILE = """\
environment: crash
provider: {name: aws, region: us-east-1}
network: {cidr: 10.30.0.0/16}
endpoint: {allow_cidrs: [10.0.0.0/8], domain: llm.example.com, hosted_zone: example.com}
chaos: {allow: true}
ttl: 8h
models:
  chat:
    source: hf://example/translator-7B@0123456
    engine: {name: vllm, version: v0.18.0}
    instances: {types: [g5.xlarge], zones: [us-east-1a, us-east-1b], price: {on_demand: 1.0, spot: 0.4}}
    replicas: {min: 0, max: 2, sleep_after: 10m}
    capture: {rate: 1}
monitoring: {budget: 6}
"""


class JumpingClock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        """The present."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Jump."""
        self._now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Rig:
    """One environment in an emulated account that nothing else uses."""

    file: Path

    def workspace(self) -> Workspace:
        """A fresh object graph, as each command has one."""
        made = Workspace(self.file, load(self.file))
        made.__dict__["clock"] = JumpingClock()
        return made

    def crash(self, after: int) -> tuple[bool, int]:
        """Deploy, and kill Terraform after `after` created resources; whether it came to that, how many were.

        Killed are Terraform and its provider, by SIGKILL: nobody writes a state any more.
        """
        done = 0

        def observe(event: Event) -> None:
            nonlocal done
            if isinstance(event, ApplyComplete) and event.action == "create":
                done += 1
                if done == after:
                    for operation in RunDirectory(NAME).unfinished():
                        kill_group(operation.pid, signal.SIGKILL)

        workspace = self.workspace()
        workspace.state_bucket.ensure()
        workspace.renew()  # as `deploy` does before it applies
        try:
            with workspace.terraform(observe) as terraform:
                terraform.apply(terraform.plan())
        except LlmctlError as error:
            if error.code is not ExitCode.OUTCOME_UNKNOWN:
                raise
            return True, done
        return False, done

    def destroy(self) -> tuple[Left, ...]:
        """What `llmctl destroy --yes` does."""
        return destroy(self.workspace(), yes=True, force_unlock=None, drain=True)

    def account(self, *, later: timedelta = timedelta()) -> Account:
        """The account without the environment's file, after some time."""
        found = replace(account(None, "us-east-1"), clock=JumpingClock())
        found.clock.sleep(later.total_seconds())
        return found

    def exists(self) -> tuple[Resource, ...]:
        """What is there, of any environment."""
        return inventory(self.workspace().session, Scope())


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """An emulated account with a hosted zone, for this process alone."""
    file = folder / "environments" / f"{NAME}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(FILE)
    server = Server()
    kept = dict(os.environ)
    try:
        os.environ.update(_variables(server.url, folder))
        yield Rig(file)
    finally:
        os.environ.clear()
        os.environ.update(kept)
        server.stop()


def empty_account(made: Rig) -> None:
    """Begin anew: an account in which there is but a zone."""
    aws.reset()
    made.workspace().session.client("route53").create_hosted_zone(Name=ZONE, CallerReference="1")


def _variables(url: str, folder: Path) -> Mapping[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "LLMCTL_STATE_DIR": str(folder / "state"),
    }
