"""Who acts when an alarm changes its state: each kind of ARN has one taker.

The alarms know no other service. SNS and autoscaling say here which ARNs are theirs.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_log = logging.getLogger(__name__)


class State(StrEnum):
    """What an alarm knows."""

    OK = "OK"
    ALARM = "ALARM"
    UNKNOWN = "INSUFFICIENT_DATA"


@dataclass(frozen=True, kw_only=True)
class Transition:
    """A change of an alarm's state; old equals new where an action is repeated."""

    alarm_name: str
    alarm_arn: str
    account: str
    region: str
    old: str
    new: str
    reason: str
    values: tuple[float, ...] = ()
    """The datapoints that were evaluated, newest last; empty for a composite alarm."""
    threshold: float | None = None
    at: float = 0.0
    """Real epoch seconds."""
    message: Mapping[str, object] = field(default_factory=dict)
    """What a notification of it says, as CloudWatch gives it to SNS."""


Act = Callable[[str, Transition, float], None]
"""Takes an action's ARN, the transition and real epoch seconds; called under the package's lock."""

_takers: dict[str, Act] = {}


def on_action(prefix: str, act: Act) -> None:
    """Let `act` take the actions whose ARN begins with `prefix`; a later taker replaces an earlier one."""
    _takers[prefix] = act


def perform(arn: str, transition: Transition, now: float) -> bool:
    """Hand an action to its taker; say whether there is one, or log that there is none."""
    for prefix, act in _takers.items():
        if arn.startswith(prefix):
            act(arn, transition, now)
            return True
    _log.warning("alarm %s: the action %s is not emulated", transition.alarm_name, arn)
    return False
