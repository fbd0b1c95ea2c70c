"""Environments -> a CDKTF app. Importing this starts Node; the command line never does."""

from collections.abc import Sequence
from pathlib import Path

from cdktf import App

from infra.environment.github import Repository
from infra.environment.model import Environment
from modules.state.artefacts import AgentFile
from stacks.environment import EnvironmentStack
from stacks.github import GithubStack


def build_roles(environment: Environment, repository: Repository, *, out: Path | None) -> App:
    """An app with the roles of an environment for a repository's jobs."""
    app = App(outdir=str(out) if out else None, stack_traces=False)
    GithubStack(app, environment=environment, repository=repository)
    return app


def build(environments: Sequence[Environment], *, agent: AgentFile, out: Path | None) -> App:
    """An app with a stack for each environment; `out` defaults to what the cdktf CLI says, or cdktf.out."""
    app = App(outdir=str(out) if out else None, stack_traces=False)
    for environment in environments:
        EnvironmentStack(app, environment.environment, environment=environment, agent=agent)
    return app
