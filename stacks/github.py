"""The stack of an environment's roles for GitHub's jobs, with a state of its own.

It is apart from the environment's because the apply role must not be able to change itself, and because the
first plan of the environment is made with these roles.
"""

from cdktf import TerraformStack
from constructs import Construct

from infra.environment import github
from infra.environment.model import Environment
from modules.bindings.aws.data_caller_identity import DataCallerIdentity
from modules.ci_roles.roles import CiRoles
from modules.ci_roles.scope import Scope
from stacks.terraform import configure

PURPOSE = {"llmctl:purpose": "ci"}
"""Not the environment's tag: whoever has that is destroyed with it."""


class GithubStack(TerraformStack):
    """Two roles."""

    def __init__(self, scope: Construct, *, environment: Environment, repository: github.Repository) -> None:
        name = environment.environment
        super().__init__(scope, github.stack(name))
        configure(self, environment, key=github.state_key(name), tags=PURPOSE)
        account = DataCallerIdentity(self, "account").account_id
        where = Scope(environment=name, region=environment.provider.region, account=account)
        CiRoles(self, "roles", scope_=where, repository=repository, vpc=environment.network.vpc_id)
