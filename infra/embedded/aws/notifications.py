"""What EC2 and Auto Scaling tell EventBridge's default bus, in the shapes that AWS documents."""

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from moto.ec2.models.instances import Instance
from moto.events.models import events_backends

from infra.embedded import aws

if TYPE_CHECKING:
    from infra.embedded.aws.autoscaling_group import Activity, Group

_INTERRUPTION = "EC2 Spot Instance Interruption Warning"
_REBALANCE = "EC2 Instance Rebalance Recommendation"
_STATE = "EC2 Instance State-change Notification"


def interruption(instance: Instance) -> None:
    """Spot takes the instance soon."""
    _of_instance(instance, _INTERRUPTION, {"instance-action": "terminate"})


def rebalance(instance: Instance) -> None:
    """Spot is more likely than usual to take the instance."""
    _of_instance(instance, _REBALANCE, {})


def state(instance: Instance) -> None:
    """The instance is in another state than before."""
    _of_instance(instance, _STATE, {"state": instance.state})


def activity(group: "Group", done: "Activity") -> None:
    """A launch or a termination has ended, well or not."""
    what, _, instance = done.description.partition(": ")
    action = "Launch" if what.startswith("Launching") else "Terminate"
    well = done.status_code == "Successful"
    detail = {
        "StatusCode": "InProgress" if well else done.status_code,
        "AutoScalingGroupName": group.name,
        "ActivityId": done.activity_id,
        "Details": json.loads(done.details),
        "RequestId": done.activity_id,
        "EndTime": f"{done.end_time or done.start_time:%Y-%m-%dT%H:%M:%S.%fZ}",
        "EC2InstanceId": instance,
        "StartTime": f"{done.start_time:%Y-%m-%dT%H:%M:%S.%fZ}",
        "Cause": done.cause,
        "StatusMessage": done.status_message or "",
    }
    kind = f"EC2 Instance {action} {'Successful' if well else 'Unsuccessful'}"
    _publish(group.account_id, group.region, "aws.autoscaling", kind, detail, [group.arn])


def _of_instance(instance: Instance, kind: str, detail: Mapping[str, Any]) -> None:
    account, region = instance.owner_id, instance.region_name
    arn = f"arn:aws:ec2:{region}:{account}:instance/{instance.id}"
    _publish(account, region, "aws.ec2", kind, {"instance-id": instance.id, **detail}, [arn])


def _publish(
    account: str, region: str, source: str, kind: str, detail: Mapping[str, Any], resources: Iterable[str]
) -> None:
    """Hand the event to the targets of every rule whose pattern it matches; a mere schedule has none."""
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": time.time(),
        "region": region,
        "resources": list(resources),
        "detail": dict(detail),
    }
    with aws.lock:
        bus = events_backends[account][region].event_buses["default"]
        for rule in list(bus.rules.values()):
            if rule.state == "ENABLED" and rule.event_pattern.get_pattern():
                rule.send_to_targets(event)
