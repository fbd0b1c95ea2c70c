"""What is looked for, and whose something is."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.aws.session import Session
from infra.environment import names
from infra.environment.model import Environment
from infra.teardown.types import Resource

_NAME = re.compile(r"[a-z](-?[a-z0-9])*")


@dataclass(frozen=True)
class Scope:
    """One environment, or, without a name, every environment of the account and region."""

    environment: str | None = None
    domains: tuple[str, ...] | None = None
    """Where its DNS records can be; None: not known, so every hosted zone is read."""

    @classmethod
    def of(cls, environment: Environment) -> "Scope":
        """What an environment's file says."""
        domain = environment.endpoint.domain
        return cls(environment.environment, (domain,) if domain else ())

    def owner(self, tags: Mapping[str, str], named: str = "") -> str | None:
        """The environment that something belongs to, if it is looked for.

        The tag decides. `named`: the environment that its name tells, for what was made and not tagged yet.
        """
        owner = tags.get(names.TAG_ENVIRONMENT) or named
        if not _NAME.fullmatch(owner):
            return None
        return owner if self.environment in (None, owner) else None

    def filters(self) -> list[dict[str, Any]]:
        """The same for services that can filter by tag."""
        if self.environment is None:
            return [{"Name": "tag-key", "Values": [names.TAG_ENVIRONMENT]}]
        return [{"Name": f"tag:{names.TAG_ENVIRONMENT}", "Values": [self.environment]}]


Probe = Callable[[Session, Scope], Iterator[Resource]]


def tags_of(told: Iterable[Any] | None) -> dict[str, str]:
    """Tags from the list of pairs that most services answer with."""
    return {tag["Key"]: tag["Value"] for tag in told or ()}
