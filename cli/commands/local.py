"""`llmctl local`: the embedded cloud's daemon."""

import click

from cli.options import NumberType, json_option

_name = click.argument("name", default="local")


@click.group(name="local")
def command() -> None:
    """Run the embedded cloud on this machine.

    Each cloud is named like its environment (default: local) and runs until it is taken down. `llmctl deploy`
    starts the one it needs.
    """


@command.command()
@_name
@click.option(
    "--speed",
    type=NumberType(1, 60),
    metavar="N",
    help="Let alarms and scaling policies live N times faster than on AWS (default: 1).",
)
def up(name: str, speed: float | None) -> None:
    """Start the cloud NAME, unless it runs."""
    from infra.embedded.client import Cloud

    running = Cloud.locate(name)
    cloud = Cloud.ensure(name, speed=speed)
    click.echo(
        f"the embedded cloud {name!r} {'runs already' if running else 'is up'} (pid {cloud.pid})", err=True
    )
    click.echo("AWS tools reach it with:", err=True)
    for variable in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        click.echo(f"export {variable}={cloud.environment()[variable]}")


@command.command()
@_name
@json_option
def status(name: str, *, as_json: bool) -> None:
    """Show what the cloud NAME runs."""
    from cli.render import emit_json
    from cli.render.local import print_cloud
    from infra.embedded.client import Cloud
    from infra.errors import Refused

    cloud = Cloud.locate(name)
    if cloud is None:
        raise Refused(f"the embedded cloud {name!r} is not running", hint=f"llmctl local up {name}")
    state = cloud.status()
    if as_json:
        emit_json(state)
    else:
        print_cloud(state)


@command.command()
@_name
@click.option("--instance", metavar="ID", help="An instance's console instead of the daemon's log.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines, until Ctrl-C.")
def logs(name: str, instance: str | None, *, follow: bool) -> None:
    """Show the log of the cloud NAME, also after its end."""
    from infra.embedded.logs import log_file, read

    for line in read(log_file(name, instance), follow=follow):
        click.echo(line)


@command.command()
@_name
def down(name: str) -> None:
    """End the cloud NAME with all that runs in it. Its logs stay; what was deployed is gone."""
    from infra.embedded.client import Cloud, sweep

    cloud = Cloud.locate(name)
    if cloud is not None:
        cloud.stop()
        click.echo(f"the embedded cloud {name!r} is down", err=True)
        return
    left = sweep(name)
    click.echo(
        f"the embedded cloud {name!r} was not running"
        + (f"; ended {left} leftover processes" if left else ""),
        err=True,
    )
