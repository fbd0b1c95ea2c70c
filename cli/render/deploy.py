"""What `deploy` says at its end: where the models are, and how to talk to them."""

import click

from cli.render.status import print_state
from infra.deploy.types import EnvironmentState
from infra.environment.model import Environment


def print_deployed(state: EnvironmentState, env: str, environment: Environment, *, changed: bool) -> None:
    """Write the state and a ready `curl` to stdout; say so when nothing had to change."""
    if not changed:
        click.echo(f"{state.environment}: no changes")
    print_state(state)
    click.echo(_curl(state, env, environment))


def print_waiting_releases(state: EnvironmentState) -> None:
    """Tell about releases that Terraform added and that serve no traffic."""
    for model in state.models:
        if model.live and model.release != model.latest_release and model.rollout is None:
            click.echo(
                f"{model.name}: release {model.latest_release} is ready and takes no traffic: "
                f"release {model.release} stays live until a rollout moves it",
                err=True,
            )


def _curl(state: EnvironmentState, env: str, environment: Environment) -> str:
    if not state.models:
        return "no models"
    model = state.models[0]
    header = f' \\\n  -H "Authorization: Bearer $(llmctl api-key --env {env})"'
    return (
        f"\ncurl {model.url}/chat/completions \\\n  -H 'Content-Type: application/json'"
        f"{header if environment.endpoint.auth == 'api-key' else ''} \\\n"
        f'  -d \'{{"model": "{model.name}", "messages": [{{"role": "user", "content": "Hello"}}]}}\''
    )
