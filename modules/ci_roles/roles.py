"""A role for jobs that plan, and one for jobs that apply."""

from collections.abc import Mapping, Sequence

from constructs import Construct

from infra.environment import github
from modules.bindings.aws.iam_role import IamRole
from modules.bindings.aws.iam_role_policy import IamRolePolicy
from modules.bindings.base import output
from modules.ci_roles.changing import changing
from modules.ci_roles.reading import reading, state
from modules.ci_roles.scope import Scope
from modules.identity.instance_role import Statement, document

_LONGEST = 3600
"""Seconds of a session; jobs ask for a new one."""


class CiRoles(Construct):
    """The two roles; their ARNs are outputs. `vpc`: the environment's, where it isn't its own."""

    def __init__(
        self, scope: Construct, id_: str, *, scope_: Scope, repository: github.Repository, vpc: str | None
    ) -> None:
        super().__init__(scope, id_)
        self._scope, self._repository = scope_, repository
        look = reading(scope_)
        self._role(github.May.PLAN, {"look": look, "state": state(scope_, write=False)})
        self._role(
            github.May.APPLY,
            {"look": look, "state": state(scope_, write=True), "change": changing(scope_, vpc=vpc)},
        )

    def _role(self, may: github.May, policies: Mapping[str, Sequence[Statement]]) -> None:
        name = github.role(self._scope.environment, may)
        role = IamRole(
            self,
            may,
            name=name,
            description=f"Jobs of {self._repository.name} that {may} {self._scope.environment}",
            assume_role_policy=document([_trust(self._scope, self._repository, may)]),
            max_session_duration=_LONGEST,
            tags={"Name": name},
        )
        for policy, statements in policies.items():
            IamRolePolicy(self, f"{may}_{policy}", name=policy, role=role.name, policy=document(statements))
        output(self, f"{may}_role", role.arn, description=f"ARN of the {may} role")


def _trust(scope: Scope, repository: github.Repository, may: github.May) -> Statement:
    """Who may take a role: jobs with just these subjects, whose tokens are meant for AWS."""
    provider = scope.arn("iam", f"oidc-provider/{github.ISSUER}", everywhere=True)
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{github.ISSUER}:aud": github.AUDIENCE,
                f"{github.ISSUER}:sub": list(repository.subjects(scope.environment, may)),
            }
        },
    }
