"""Alarms that autoscaling makes for itself: through CloudWatch's own actions, as a client would.

So an alarm of a policy is like any other: checked, listed, evaluated and deleted in one place.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse


def put_alarm(account: str, region: str, parameters: Mapping[str, Any]) -> None:
    """Create or change an alarm; the parameters are those of PutMetricAlarm. Raises as that does."""
    _ask(account, region, parameters).put_metric_alarm()


def delete_alarms(account: str, region: str, names: Sequence[str]) -> None:
    """Delete alarms; those that are gone already don't matter."""
    for name in names:
        if name in _ask(account, region, {}).cloudwatch_backend.alarms:
            _ask(account, region, {"AlarmNames": [name]}).delete_alarms()


def is_alarming(account: str, region: str, name: str) -> bool:
    """Tell whether an alarm is in state ALARM; one that is gone is not."""
    alarm = _ask(account, region, {}).cloudwatch_backend.alarms.get(name)
    return alarm is not None and alarm.state == "ALARM"


def _ask(account: str, region: str, parameters: Mapping[str, Any]) -> Any:
    request = CloudWatchResponse()
    request.current_account, request.region = account, region
    request.params, request.uri_match = dict(parameters), {}
    return request
