"""Who of a GitHub repository may act on an environment: names of roles, and the identities they trust. Pure.

A job's identity has a subject that begins with its repository, by names or, for repositories made after
15 July 2026, by names and numbers: https://docs.github.com/en/actions/reference/security/oidc
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from infra.environment import names
from infra.errors import Refused

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+|[\w.-]+@\d+/[\w.-]+@\d+", re.ASCII)
_ROLE_LIMIT = 64


class May(StrEnum):
    """What a role is for."""

    PLAN = "plan"
    APPLY = "apply"


@dataclass(frozen=True)
class Repository:
    """A repository as the subjects of its jobs name it."""

    name: str
    """OWNER/REPO, or OWNER@ID/REPO@ID."""

    def subjects(self, environment: str, may: May) -> tuple[str, ...]:
        """Which jobs a role trusts.

        Plans: pull requests (GitHub gives no identity to those of forks) and what runs on main. Changes: jobs
        in the GitHub environment of that name, which its protection rules have let pass; no branch, no event.
        """
        if may is May.APPLY:
            return (f"repo:{self.name}:environment:{environment}",)
        return (f"repo:{self.name}:pull_request", f"repo:{self.name}:ref:refs/heads/main")


def repository(text: str) -> Repository:
    """The repository of that name; raises `Refused` for anything that could match more than one."""
    if not _REPOSITORY.fullmatch(text):
        raise Refused(
            f"{text!r} is no repository",
            hint="OWNER/REPO, or OWNER@ID/REPO@ID for one made after 15 July 2026",
        )
    return Repository(text)


def role(environment: str, may: May) -> str:
    """Name of a role for jobs: not below the prefix of what the environment's own roles are called.

    The apply role may change roles with that prefix, and must not change itself.
    """
    return names.fit(f"ci-{may}-{names.stack(environment)}", _ROLE_LIMIT)


def provider_arn(partition: str, account: str) -> str:
    """ARN of the account's one identity provider for GitHub."""
    return f"arn:{partition}:iam::{account}:oidc-provider/{ISSUER}"


def stack(environment: str) -> str:
    """Name of the stack of an environment's roles for jobs; no environment has an underscore in its name."""
    return f"{environment}_github"


def state_key(environment: str) -> str:
    """Object of that stack's Terraform state."""
    return f"{environment}/github.tfstate"
