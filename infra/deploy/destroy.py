"""What comes before Terraform's destroy: permission, and an orderly end for requests in flight."""

from infra.deploy.ports import Fleet
from infra.environment.model import Environment
from infra.errors import Refused


def refuse_if_protected(environment: Environment, path: str) -> None:
    """Raise `Refused` for an environment with `protect: true`."""
    if environment.protect:
        raise Refused(
            f"{path}: {environment.environment} is protected and will not be destroyed",
            hint="set `protect: false`, deploy that, and run destroy again",
        )


def at_work(fleet: Fleet) -> tuple[str, ...]:
    """Groups that have replicas, or may get some."""
    return tuple(group.name for group in fleet.groups() if group.min or group.desired)


def shrink_to_zero(fleet: Fleet) -> tuple[str, ...]:
    """Take every group to zero, so that the balancer drains all replicas; which ones had to."""
    shrunk = at_work(fleet)
    for name in shrunk:
        fleet.resize(name, minimum=0, desired=0)
    return shrunk
