"""New weights reach the nodes of a load balancer one after another, as on AWS, if that is asked for.

A load balancer has a node in each zone, and clients come to any. Here one Envoy stands for all nodes: while
some know the new weights and some the old ones, it splits as all of them together would.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from infra.embedded.aws.views import Forward, Listener, LoadBalancer, Rule

NODES = 3
_SHARES = 300
"""Weights of one node add up to this, so that nodes count alike whatever their weights add up to."""


@dataclass
class Propagation:
    """Remembers what each rule's weights were. Rules whose target groups change are carried at once."""

    _known: dict[str, list[tuple[float, Forward]]] = field(default_factory=dict)
    """By rule: since when it had which weights, oldest first."""

    def carried(
        self, balancers: Iterable[LoadBalancer], now: float, seconds: float
    ) -> tuple[LoadBalancer, ...]:
        """The load balancers as their nodes have them at `now`; the last node is `seconds` late."""
        return tuple(
            replace(
                balancer,
                listeners=tuple(self._listener(each, now, seconds) for each in balancer.listeners),
            )
            for balancer in balancers
        )

    def _listener(self, listener: Listener, now: float, seconds: float) -> Listener:
        return replace(listener, rules=tuple(self._rule(rule, now, seconds) for rule in listener.rules))

    def _rule(self, rule: Rule, now: float, seconds: float) -> Rule:
        if not isinstance(rule.action, Forward):
            return rule
        history = self._known.get(rule.arn, [])
        if not history or _groups(history[-1][1]) != _groups(rule.action):
            history = [(float("-inf"), rule.action)]
        elif history[-1][1] != rule.action:
            history = [*history, (now, rule.action)]
        while len(history) > 1 and history[1][0] + seconds <= now:
            history = history[1:]  # all nodes know what came next
        self._known[rule.arn] = history
        return replace(rule, action=split(history, now, seconds)) if len(history) > 1 else rule


def split(history: Sequence[tuple[float, Forward]], now: float, seconds: float) -> Forward:
    """What all nodes together do: the n-th of them learns of a change after n parts of the time."""
    total: dict[str, float] = {}
    for node in range(1, NODES + 1):
        known = [forward for at, forward in history if at + seconds * node / NODES <= now]
        # A node that can't have heard of any, because it is slower now than it was, has the oldest.
        groups = (known or [history[0][1]])[-1].target_groups
        weights = sum(group.weight for group in groups) or 1
        for group in groups:
            total[group.arn] = total.get(group.arn, 0.0) + group.weight * _SHARES / weights
    latest = history[-1][1]
    return replace(
        latest,
        target_groups=tuple(
            replace(group, weight=round(total.get(group.arn, 0.0))) for group in latest.target_groups
        ),
    )


def _groups(forward: Forward) -> tuple[str, ...]:
    return tuple(group.arn for group in forward.target_groups)
