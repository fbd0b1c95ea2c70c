"""Looking before anything is taken down: what exists, what nobody knows of, what a destroy would do."""

from typing import TYPE_CHECKING

import click

from infra.errors import ExitCode, Refused

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.teardown.types import Priced, Resource


def whole_inventory(env: str | None) -> "tuple[Priced, ...]":
    """What exists of one environment; raises `Refused` without its name."""
    from cli.context import open_workspace

    if env is None:
        raise Refused("whose inventory?", hint="--env NAME, or --orphans for what no state knows")
    workspace = open_workspace(env)
    found = () if workspace.cloud_is_down else workspace.leftovers(patience=0)
    return _priced(found, workspace.environment.provider.region)


def found_orphans(env: str | None, region: str | None) -> "tuple[Priced, ...]":
    """What exists of environments without a state, in the cloud of `env` or of the current credentials."""
    from cli.remains import account
    from infra.aws.inventory import inventory
    from infra.aws.probes.scope import Scope
    from infra.aws.states import states
    from infra.teardown.orphans import orphans

    session = account(env, region).session
    known = states(session)
    found = orphans(inventory(session, Scope()), known)
    for name in sorted({each.environment for each in found}):
        if (state := known.get(name)) and state.lock:
            told = f"{name}: its state is locked by {state.holder}, who may be at work; lock {state.lock}"
            click.echo(told, err=True)
    return _priced(found, session.region)


def show_rehearsal(workspace: "Workspace", *, as_json: bool, force_unlock: str | None) -> ExitCode:
    """What `destroy` would do, and the exit code that tells whether there is anything, and whether it may."""
    from cli.destroying import rehearse
    from cli.render import emit_json
    from cli.render.teardown import print_rehearsal
    from infra.teardown.rehearsal import Rehearsal

    name, protected = workspace.environment.environment, workspace.environment.protect
    if workspace.cloud_is_down:
        rehearsal = Rehearsal(name, protected, drain=(), strangers=(), waves=())
    else:
        rehearsal = rehearse(workspace, force_unlock=force_unlock)
    emit_json(rehearsal) if as_json else print_rehearsal(rehearsal)
    if protected:
        return ExitCode.REFUSED
    return ExitCode.OK if rehearsal.is_empty else ExitCode.PLAN_HAS_CHANGES


def _priced(resources: "tuple[Resource, ...]", region: str) -> "tuple[Priced, ...]":
    """At the prices that llmctl brings along: what is left behind is told in seconds, whoever asks."""
    from infra.clock import SystemClock
    from infra.cost.prices import snapshot
    from infra.cost.resources import ResourcePrices
    from infra.teardown.types import priced

    return priced(resources, ResourcePrices(snapshot(region)), SystemClock().now())
