"""Fault injection experiments: `aws:ec2:send-spot-instance-interruptions` is done, others are refused.

moto keeps templates and experiments, and injects nothing. Here an experiment chooses running spot instances
by their tags, as its template says, gives them a rebalance recommendation at once, and the notice two minutes
before their end.
"""

import random
import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from moto.fis.models import FISBackend

from infra.embedded.aws import NotEmulatedError, views
from infra.embedded.aws.patching import replace
from infra.embedded.aws.views import Instance
from infra.errors import LlmctlError

_ACTION = "aws:ec2:send-spot-instance-interruptions"
_NOTICE = 120.0
_MINUTES = re.compile(r"PT(\d+)M")
_COUNT = re.compile(r"COUNT\((\d+)\)")
_PERCENT = re.compile(r"PERCENT\((\d+)\)")


class Taker(Protocol):
    """Who takes instances away: `infra.embedded.compute.Compute`."""

    def interrupt(self, instance_id: str, at: float) -> None:
        """Give notice; the end is at `at` epoch seconds."""

    def recommend_rebalance(self, instance_id: str, at: float) -> None:
        """As of `at` epoch seconds."""


@dataclass(frozen=True)
class _Due:
    """What an experiment does to an instance, and when: epoch seconds."""

    instance: str
    at: float
    end: float | None
    """When it is taken; None: it only gets a recommendation."""


_due: list[_Due] = []
_lock = threading.Lock()


def install() -> None:
    """Put the fixes into moto."""
    replace(FISBackend, "start_experiment", _with_interruptions)


def reset() -> None:
    """Forget what is due: for tests."""
    with _lock:
        _due.clear()


def reconciler(taker: Taker) -> Callable[[float], None]:
    """The experiments as a part of the daemon's loop."""

    def reconcile(now: float) -> None:
        with _lock:
            due = [each for each in _due if each.at <= now]
            _due[:] = [each for each in _due if each.at > now]
        for each in due:
            with suppress(LlmctlError):  # it has ended since it was chosen
                if each.end is None:
                    taker.recommend_rebalance(each.instance, now)
                else:
                    taker.interrupt(each.instance, each.end)

    return reconcile


def chosen(instances: Iterable[Instance], target: dict[str, Any], chance: random.Random) -> list[Instance]:
    """The running spot instances that a target means. Raises NotEmulatedError for what it can't read."""
    if target.get("resourceType") != "aws:ec2:spot-instance":
        raise NotEmulatedError(f"a target of {target.get('resourceType')}")
    tags = target.get("resourceTags", {})
    there = [
        each
        for each in instances
        if each.market == "spot" and each.state == "running" and each.tags.items() >= tags.items()
    ]
    mode = target.get("selectionMode", "ALL")
    if mode == "ALL":
        return there
    if count := _COUNT.fullmatch(mode):
        return chance.sample(there, min(int(count[1]), len(there)))
    if percent := _PERCENT.fullmatch(mode):
        # Rounded down, even to nobody: https://docs.aws.amazon.com/fis/latest/userguide/targets.html
        return chance.sample(there, min(len(there) * int(percent[1]) // 100, len(there)))
    raise NotEmulatedError(f"the selection mode {mode}")


def _with_interruptions(original: Any) -> Any:
    def start_experiment(self: FISBackend, *args: Any, **kwargs: Any) -> Any:
        known = set(self.experiments)
        told = original(self, *args, **kwargs)
        if told["id"] in known:
            return told  # the same call once more
        experiment = self.experiments[told["id"]]
        for action in experiment.actions.values():
            _inject(experiment, action, time.time())
        return experiment.to_dict(tags=told.get("tags"))

    return start_experiment


def _inject(experiment: Any, action: dict[str, Any], now: float) -> None:
    if action["actionId"] != _ACTION:
        raise NotEmulatedError(f"the action {action['actionId']}")
    minutes = _MINUTES.fullmatch(action["parameters"]["durationBeforeInterruption"])
    if minutes is None:
        raise NotEmulatedError(f"{action['parameters']}: a duration other than PTnM")
    target = experiment.targets[action["targets"]["SpotInstances"]]
    hit = chosen(views.instances(), target, random.Random(experiment.id))  # noqa: S311 - not secret
    if not hit:
        experiment.status = "failed"  # the service's default for a target that is nobody
        return
    target["resourceArns"] = [f"arn:aws:ec2:{each.region}:{each.account}:instance/{each.id}" for each in hit]
    end = now + 60.0 * int(minutes[1])
    with _lock:
        for each in hit:
            _due.append(_Due(each.id, now, None))
            _due.append(_Due(each.id, end - _NOTICE, end))
