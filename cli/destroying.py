"""The steps of `destroy`, in the order that loses no request and leaves no resource."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

import click

from cli.ask import confirm, confirm_by_name
from cli.render.live import watching
from cli.render.terraform import showing
from infra.deploy.destroy import at_work, refuse_if_protected, shrink_to_zero
from infra.deploy.wait import until_empty
from infra.errors import ExitCode, LlmctlError
from infra.teardown.rehearsal import Rehearsal, strangers, waves
from infra.teardown.removing import Left, in_order, remove_all

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.aws.session import Session
    from infra.deploy.ports import Clock
    from infra.teardown.types import Resource
    from infra.terraform.runner import Terraform

DRAIN_SECONDS = 900
_LAG_SECONDS = 60
"""Services go on listing for a while what was deleted."""


class Doomed(Protocol):
    """What is to go: an environment with its file, or known by its name alone."""

    @property
    def session(self) -> "Session":
        """Clients of its cloud."""
        ...

    @property
    def clock(self) -> "Clock":
        """Time."""
        ...

    def leftovers(self, *, patience: float) -> "tuple[Resource, ...]":
        """What exists of it; asked again for `patience` seconds while there is something."""
        ...


def destroy(workspace: "Workspace", *, yes: bool, force_unlock: str | None, drain: bool) -> tuple[Left, ...]:
    """Refuse if protected, ask for the name, drain, and take everything down; what is left then, and why."""
    name = workspace.environment.environment
    refuse_if_protected(workspace.environment, str(workspace.path))
    confirm_by_name(f"Type {name} to destroy it with everything in it", name, yes=yes)
    with (
        showing() as observe,
        workspace.terraform(observe, force_unlock=force_unlock) as terraform,
        _telling_of_failure(workspace),
    ):
        shrunk = shrink_to_zero(workspace.fleet)
        if shrunk:
            say(f"draining {len(shrunk)} groups")
        if drain:
            _wait_for_the_last(workspace)
        # The file says that it isn't protected (any more): what still is was made before.
        left = take_down(workspace, terraform, yes=yes, lift_protection=True)
    if not left:
        workspace.lifetimes.renew(name, None)
    return left


def take_down(
    doomed: Doomed, terraform: "Terraform", *, yes: bool, lift_protection: bool
) -> tuple[Left, ...]:
    """Remove what the state doesn't know of, let Terraform destroy the rest; what is left then, and why.

    What a killed apply made last is in no state, and depends on what is: a listener on a target group, say,
    for whose deletion Terraform would wait in vain. So it goes first; what can't yet goes at the end.
    """
    from infra.aws.removal import Removal

    removal = Removal(doomed.session, lift_protection)
    plan = terraform.plan(destroy=True)
    document = terraform.show(plan)

    def unknown() -> "tuple[Resource, ...]":
        return strangers(doomed.leftovers(patience=0), document)

    if found := unknown():
        _agree(found, yes=yes)
        remove_all(unknown, removal, doomed.clock, say, patience=0)
    if plan.has_changes:
        terraform.apply(plan)
    found = doomed.leftovers(patience=_LAG_SECONDS)
    if not found:
        return ()
    _agree(found, yes=yes)
    return remove_all(lambda: doomed.leftovers(patience=0), removal, doomed.clock, say)


def rehearse(workspace: "Workspace", *, force_unlock: str | None) -> Rehearsal:
    """What `destroy` would do; changes nothing but, if told so, the lock."""
    with showing() as observe, workspace.terraform(observe, force_unlock=force_unlock) as terraform:
        plan = terraform.show(terraform.plan(destroy=True))
    return Rehearsal(
        environment=workspace.environment.environment,
        protected=workspace.environment.protect,
        drain=at_work(workspace.fleet),
        strangers=strangers(workspace.leftovers(patience=0), plan),
        waves=waves(plan),
    )


def say(text: str) -> None:
    """Tell a person, on stderr."""
    click.echo(text, err=True)


def _agree(found: "tuple[Resource, ...]", *, yes: bool) -> None:
    say("in no Terraform state, to be removed in this order:")
    for each in in_order(found):
        say(f"  {each.kind} {each.id}{'  PROTECTED' if each.protected else ''}")
    confirm(
        f"Remove these {len(found)} resources?",
        yes=yes,
        otherwise="they exist still",
        code=ExitCode.RESOURCES_LEFT,
    )


@contextmanager
def _telling_of_failure(workspace: "Workspace") -> Iterator[None]:
    """The audit log goes down with the environment: it matters while that goes on, or failed."""
    name, runtime = workspace.environment.environment, workspace.runtime
    with suppress(LlmctlError):  # after an apply that was cut off there may be no table
        runtime.record("Destroy", name, "began")
    try:
        yield
    except LlmctlError as error:
        with suppress(LlmctlError):
            runtime.record("Destroy", name, f"failed: {error.message.splitlines()[0]}")
        raise


def _wait_for_the_last(workspace: "Workspace") -> None:
    with watching() as watch:
        until_empty(workspace.observe, workspace.clock, timeout=DRAIN_SECONDS, watch=watch)
