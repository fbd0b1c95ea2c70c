"""Builds the object graph of a command: environment file -> cloud -> adapters.

Everything is built when first used, so that a command pays only for what it touches.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from infra.environment.load import find, load

from infra.environment.model import Environment

if TYPE_CHECKING:
    from infra.aws.session import Session


@dataclass
class Workspace:
    """One environment and the cloud it lives in."""

    path: Path
    environment: Environment

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """The process environment with which Terraform and boto3 reach the cloud.

        For the embedded cloud this starts its daemon when it isn't running.
        """
        import os

        if self.environment.provider.name != "embedded":
            return dict(os.environ)
        from infra.embedded.client import Cloud

        return {**os.environ, **Cloud.ensure(self.environment.environment).environment()}

    @cached_property
    def session(self) -> "Session":
        """Clients of the environment's account and region."""
        from infra.aws.session import Session

        return Session(self.environment.provider.region, self.variables)


def open_workspace(env: str) -> Workspace:
    """Find, read and check an environment file; raises `Refused` with every problem in it."""
    path = find(env)
    return Workspace(path, load(path))
