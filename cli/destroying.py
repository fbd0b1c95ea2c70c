"""The steps of `destroy`, in the order that loses no request and leaves no resource."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from cli.ask import confirm_by_name
from cli.render.live import watching
from cli.render.terraform import showing
from infra.deploy.destroy import refuse_if_protected, shrink_to_zero
from infra.deploy.wait import until_empty
from infra.errors import LlmctlError

if TYPE_CHECKING:
    from cli.context import Workspace

_DRAIN_SECONDS = 900


def destroy(workspace: "Workspace", *, yes: bool, force_unlock: str | None, drain: bool) -> None:
    """Refuse if protected, ask for the name, drain, and let Terraform destroy."""
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
            click.echo(f"draining {len(shrunk)} groups", err=True)
        if drain:
            _wait_for_the_last(workspace)
        plan = terraform.plan(destroy=True)
        if plan.has_changes:
            terraform.apply(plan)


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
        until_empty(workspace.observe, workspace.clock, timeout=_DRAIN_SECONDS, watch=watch)
