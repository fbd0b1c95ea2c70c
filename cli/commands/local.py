"""`llmctl local`: the embedded cloud's daemon."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import DURATION, NumberType, json_option
from infra.embedded.troubles import Trouble

if TYPE_CHECKING:
    from infra.embedded.client import Cloud

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

    state = _running(name).status()
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
@json_option
@click.option("--throttle", type=NumberType(0, 1), help="Share of API calls that are throttled.")
@click.option("--errors", type=NumberType(0, 1), help="Share of API calls that fail.")
@click.option("--lost", type=NumberType(0, 1), help="Share that is carried out, and its answer lost.")
@click.option("--latency", type=DURATION, help="How much longer each call takes: 2s.")
@click.option("--stale", type=DURATION, help="How old eventually consistent reads may be: 5s.")
@click.option("--propagation", type=DURATION, help="Until all nodes have new weights: 60s at most.")
@click.option(
    "--service", "services", multiple=True, help="Only calls to this one (ec2, elbv2...); may be repeated."
)
@click.option("--seed", type=int, help="The same seed, the same fate.")
@click.option("--clear", is_flag=True, help="All is well again.")
def faults(name: str, *, as_json: bool, clear: bool, **wanted: object) -> None:
    """Let the API and the load balancers of the cloud NAME fail, or show how they do.

    What is not named stays as it is.
    """
    from cli.render import emit_json

    cloud = _running(name)
    changes = {key: value for key, value in wanted.items() if value not in (None, ())}
    held = cloud.faults()
    if clear or changes:
        held = cloud.set_faults(**{**({} if clear else held), **changes})
    if as_json:
        emit_json(held)
    else:
        held["services"] = " ".join(held["services"])
        told = ", ".join(f"{key} {value}" for key, value in held.items() if value and key != "seed")
        click.echo(told or "no faults")


@command.command()
@_name
@click.argument("instances", nargs=-1, required=True, metavar="INSTANCE...")
@click.option(
    "--in", "notice", type=DURATION, default="120s", show_default=True, help="What the notice leaves."
)
def interrupt(name: str, instances: tuple[str, ...], notice: float) -> None:
    """Let the spot market take instances of the cloud NAME: a notice, and then the plug."""
    cloud = _running(name)
    for instance in instances:
        cloud.interrupt_instance(instance, notice)
        click.echo(f"{instance} is taken in {notice:.0f} s", err=True)


@command.command()
@_name
@click.argument("instances", nargs=-1, required=True, metavar="INSTANCE...")
def kill(name: str, instances: tuple[str, ...]) -> None:
    """Pull the plug of instances of the cloud NAME, without a notice."""
    cloud = _running(name)
    for instance in instances:
        cloud.kill_instance(instance)
        click.echo(f"{instance} is gone", err=True)


@command.command(name="break")
@_name
@click.argument("instances", nargs=-1, required=True, metavar="INSTANCE...")
@click.option("--what", type=click.Choice(list(Trouble)), required=True, help="What goes wrong.")
@click.option("--for", "time", type=DURATION, default="60s", show_default=True, help="0s: no longer.")
@click.option("--by", type=NumberType(-86_400, 86_400), default=0.0, help="Seconds of a clock's skew.")
def break_(name: str, instances: tuple[str, ...], what: str, time: float, by: float) -> None:
    """Let something go wrong on instances of the cloud NAME, for a while.

    An engine or an agent that hangs, an agent that dies, a full disk, a wrong clock, no metadata service.
    """
    cloud = _running(name)
    for instance in instances:
        cloud.trouble_instance(instance, what, time, by)
        click.echo(f"{instance}: {what}" + (f" for {time:.0f} s" if time else " no longer"), err=True)


@command.command()
@_name
@json_option
@click.option(
    "--zone", "zones", multiple=True, metavar="ZONE=N", help="So many spot instances there; repeatable."
)
@click.option("--flap", multiple=True, metavar="ZONE=TIME", help="None and no limit in turn; repeatable.")
@click.option("--trace", type=click.Path(path_type=Path), help="Replay a capacity trace (docs/simulate.md).")
@click.option("--onto", metavar="ZONE,...", help="The zones that stand for the trace's, in its order.")
@click.option("--speed", type=NumberType(1, 10_000), default=1.0, help="How much faster than the trace.")
@click.option("--notice", type=DURATION, default="120s", show_default=True, help="0s: taken without one.")
@click.option("--clear", is_flag=True, help="As many as anybody asks for.")
def market(name: str, *, as_json: bool, clear: bool, **wanted: Any) -> None:
    """Let the cloud NAME run out of spot capacity, or show what it has.

    What runs beyond the capacity is taken, the newest first.
    """
    from cli.render import emit_json
    from cli.spot_market import told

    cloud = _running(name)
    steps, repeat = told(wanted)
    asked = clear or bool(steps)
    held = cloud.set_market(steps, repeat=repeat, notice=wanted["notice"]) if asked else cloud.market()
    if as_json:
        emit_json(held)
    else:
        capacity = ", ".join(f"{zone} {count}" for zone, count in held["capacity"].items())
        click.echo(capacity or "no limit")


@command.command()
@_name
@json_option
def bill(name: str, *, as_json: bool) -> None:
    """Show what the instances of the environment NAME would have cost on AWS, since its cloud is up."""
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.cost import print_bill
    from infra.cost.bill import Usage, bill

    workspace = open_workspace(name)
    usage = [Usage(**each) for each in _running(name).usage()]
    charges = bill(usage, workspace.environment, workspace.prices())
    emit_json(charges) if as_json else print_bill(charges)


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


def _running(name: str) -> "Cloud":
    from infra.embedded.client import Cloud
    from infra.errors import Refused

    cloud = Cloud.locate(name)
    if cloud is None:
        raise Refused(f"the embedded cloud {name!r} is not running", hint=f"llmctl local up {name}")
    return cloud
