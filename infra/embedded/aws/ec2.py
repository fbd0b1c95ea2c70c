"""EC2: instances that must first boot, and what there is to know about them.

moto's instances run from the moment they are asked for. Here they are `pending` until whoever runs the
processes says otherwise, with `mark_running` and `mark_terminated`.
"""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instances import Instance, Reservation
from moto.ec2.models.security_groups import SecurityGroupRule

from infra.embedded import aws
from infra.embedded.aws import notifications, views
from infra.embedded.aws.patching import override, replace

_PENDING = ("pending", 0)
_RUNNING = ("running", 16)
_STOPPING = ("stopping", 64)
_STOPPED = ("stopped", 80)
GROUP_TAG = "aws:autoscaling:groupName"
THREATENED: set[str] = set()
"""Instances that got a notice or a rebalance recommendation."""


class UnknownInstanceError(LookupError):
    """There is no such instance."""


def install() -> None:
    """Put the fixes into moto."""
    replace(EC2Backend, "run_instances", _start_pending)
    replace(EC2Backend, "delete_nat_gateway", _delete_interface_too)
    override(SecurityGroupRule, "description", property(_rule_description))


def mark_running(instance_id: str) -> None:
    """Say that a pending instance has booted. Raises UnknownInstanceError; of any other state a no-op."""
    with aws.lock:
        instance = find(instance_id)
        if instance.state == _PENDING[0]:
            instance._state.name, instance._state.code = _RUNNING
            notifications.state(instance)


def stop(instance: Instance) -> None:
    """Ask for a running instance to be stopped: whoever runs it says when it is."""
    instance._state.name, instance._state.code = _STOPPING
    notifications.state(instance)


def mark_stopped(instance_id: str) -> None:
    """Say that a stopping instance has stopped. Raises UnknownInstanceError; of any other state a no-op."""
    with aws.lock:
        instance = find(instance_id)
        if instance.state == _STOPPING[0]:
            instance._state.name, instance._state.code = _STOPPED
            notifications.state(instance)


def start(instance: Instance) -> None:
    """Ask for a stopped instance to run again: pending, as at its launch."""
    instance._state.name, instance._state.code = _PENDING


def mark_terminated(instance_id: str, reason: str) -> None:
    """Say that an instance is no more, as its machine died. Raises UnknownInstanceError.

    `reason` is shown as the state reason, such as `Server.SpotInstanceTermination` or `Server.InternalError`.
    """
    with aws.lock:
        instance = find(instance_id)
        if instance.state != "terminated":
            terminate(instance, reason)


def terminate(instance: Instance, reason: str) -> None:
    """Terminate one instance; its network interface and volumes go with it."""
    instance.terminate()
    instance._reason = reason
    instance.state_reason.code = reason.partition(":")[0]
    instance.state_reason.message = reason
    from moto.elbv2.models import elbv2_backends

    elbv2_backends[instance.owner_id][instance.region_name].notify_terminate_instances([instance.id])
    notifications.state(instance)


def announce_interruption(instance_id: str) -> None:
    """Tell whoever listens that spot takes an instance soon. Raises UnknownInstanceError."""
    with aws.lock:
        THREATENED.add(instance_id)
        notifications.interruption(find(instance_id))


def announce_rebalance(instance_id: str) -> None:
    """Tell whoever listens that spot is likely to take an instance. Raises UnknownInstanceError."""
    with aws.lock:
        THREATENED.add(instance_id)
        notifications.rebalance(find(instance_id))


def find(instance_id: str) -> Instance:
    """Return moto's instance, of whatever account and region. Raises UnknownInstanceError."""
    for instance in _all():
        if instance.id == instance_id:
            return instance
    raise UnknownInstanceError(instance_id)


def launch_time(instance: Any) -> float:
    """Tell when an instance was launched (epoch seconds); moto's times are UTC without saying so."""
    return float(instance.launch_time.replace(tzinfo=UTC).timestamp())


def view_instances() -> tuple[views.Instance, ...]:
    """Take a snapshot of all instances."""
    with aws.lock:
        return tuple(_view(instance) for instance in _all())


def _all() -> Iterator[Instance]:
    for regions in ec2_backends.values():
        for backend in regions.values():
            for reservation in backend.reservations.values():
                yield from reservation.instances


def _start_pending(original: Callable[..., Reservation]) -> Callable[..., Reservation]:
    """In moto an instance has no time between launch and running; on AWS it boots."""

    def run_instances(self: Any, *args: Any, **kwargs: Any) -> Reservation:
        reservation = original(self, *args, **kwargs)
        for instance in reservation.instances:
            instance._state.name, instance._state.code = _PENDING
        return reservation

    return run_instances


def _delete_interface_too(original: Callable[..., Any]) -> Callable[..., Any]:
    """Moto leaves the network interface of a deleted NAT gateway behind."""

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = original(self, nat_gateway_id)
        self.enis.pop(gateway._eni.id, None)
        return gateway

    return delete_nat_gateway


def _rule_description(self: Any) -> str | None:
    """Moto loses the description of a rule whose source is a security group: a change in every plan."""
    for source in (self.ip_range, self.source_group):
        if source and source.get("Description"):
            return str(source["Description"])
    return None


def _view(instance: Any) -> views.Instance:
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    version = tags.get("aws:ec2launchtemplate:version")
    member = getattr(instance, "autoscaling_member", None)
    return views.Instance(
        id=instance.id,
        account=instance.owner_id,
        region=instance.ec2_backend.region_name,
        state=instance.state,
        zone=instance.placement.zone,
        subnet_id=instance.subnet_id,
        instance_type=instance.instance_type,
        market="spot" if instance.lifecycle == "spot" else "on-demand",
        image_id=instance.image_id,
        user_data=base64.b64decode(str(instance.user_data)) if instance.user_data else b"",
        tags=tags,
        metadata_tags=instance.metadata_options.instance_metadata_tags == "enabled",
        role_name=_role_name(instance),
        private_ip=instance.private_ip,
        launched=launch_time(instance),
        launch_template_id=tags.get("aws:ec2launchtemplate:id"),
        launch_template_version=int(version) if version else None,
        autoscaling_group=tags.get(GROUP_TAG),
        target_lifecycle_state=member.target_state if member else None,
    )


def _role_name(instance: Any) -> str | None:
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    roles = association.iam_instance_profile.roles if association else []
    return roles[0].name if roles else None
