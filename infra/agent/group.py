"""The autoscaling group this instance is in, and the target groups behind it.

Every call says whether AWS took it and none raises: the loop decides whether to ask again. A group without a
hook, or a hook that is already over, counts as taken - there is nothing left to complete.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.agent.aws import Clients, aws_errors

_LOG = logging.getLogger("agent")


@dataclass
class AutoScalingGroup:
    """Implements `ports.Group`."""

    clients: Clients
    instance_id: str
    launch_hook: str
    terminate_hook: str
    release: str = ""
    """Version of the launch template that the instance runs; empty: not known yet."""
    _name: str = ""
    _target_groups: Sequence[str] = ()

    def complete_launch(self, healthy: bool) -> bool:
        """End the launch hook."""
        return self._complete(self.launch_hook, "CONTINUE" if healthy else "ABANDON", gone_is_done=True)

    def prolong_launch(self) -> bool:
        """Ask the launch hook for more time."""
        return self._attempt("prolong launch", self._prolong, gone_is_done=True)

    def complete_termination(self) -> bool:
        """End the terminate hook; not taken while the group has not begun to terminate the instance."""
        return self._complete(self.terminate_hook, "CONTINUE", gone_is_done=False)

    def deregister(self) -> bool:
        """Leave the target groups."""
        return self._attempt("deregister", self._deregister, gone_is_done=True)

    def learn(self) -> bool:
        """Find the group's name, target groups and our release ahead of need.

        A spot notice leaves no time to look.
        """
        return self._attempt("find group", self._find, gone_is_done=False)

    def _complete(self, hook: str, result: str, *, gone_is_done: bool) -> bool:
        def call() -> None:
            self.clients.autoscaling.complete_lifecycle_action(
                AutoScalingGroupName=self._group(),
                LifecycleHookName=hook,
                InstanceId=self.instance_id,
                LifecycleActionResult=result,
            )

        return self._attempt(f"complete {hook}: {result}", call, gone_is_done=gone_is_done)

    def _prolong(self) -> None:
        self.clients.autoscaling.record_lifecycle_action_heartbeat(
            AutoScalingGroupName=self._group(),
            LifecycleHookName=self.launch_hook,
            InstanceId=self.instance_id,
        )

    def _deregister(self) -> None:
        self._group()
        for arn in self._target_groups:
            self.clients.elbv2.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": self.instance_id}])

    def _group(self) -> str:
        if not self._name:
            self._find()
        return self._name

    def _find(self) -> None:
        found = self.clients.autoscaling.describe_auto_scaling_instances(InstanceIds=[self.instance_id])
        instances = found["AutoScalingInstances"]
        if not instances:
            raise _NotInGroupError(f"{self.instance_id} is in no autoscaling group")
        name = instances[0]["AutoScalingGroupName"]
        version = instances[0].get("LaunchTemplate", {}).get("Version", "")
        self.release = version if version.isdigit() else ""
        groups = self.clients.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        self._target_groups = tuple(
            arn for group in groups["AutoScalingGroups"] for arn in group.get("TargetGroupARNs", [])
        )
        self._name = name

    def _attempt(self, what: str, call: Callable[[], None], *, gone_is_done: bool) -> bool:
        try:
            call()
        except _NotInGroupError:
            return gone_is_done
        except aws_errors() as error:
            over = _is_over(error)
            level = logging.INFO if over else logging.WARNING
            _LOG.log(level, what, extra={"fields": {"error": str(error)}})
            return over and gone_is_done
        _LOG.info(what)
        return True


class _NotInGroupError(Exception):
    """Started by hand, or detached from its group."""


def _is_over(error: Exception) -> bool:
    """Whether the service says that there is nothing to do, or no longer: asking again changes nothing."""
    response: dict[str, Any] = getattr(error, "response", {})
    return response.get("Error", {}).get("Code") in {
        "ValidationError",
        "TargetGroupNotFound",
        "InvalidTarget",
    }
