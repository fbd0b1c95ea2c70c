"""The listener rule that splits a model's requests over its target groups: found, read, reweighted.

Shared by deploy, rollouts and the waker, so that all three mean the same rule and none loses a target group
that another put there. A model has more rules, each of which leads straight to one slot: the model's rule is
the one that forwards to several target groups. Standard library and a client only: it runs in functions too.
boto3's exceptions pass through.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import RuleTypeDef, TargetGroupTupleTypeDef


class RuleMissingError(LookupError):
    """There is no such rule (yet), or it lacks a target group that shall get requests."""


class ListenerRule:
    """One model's rule. What is looked up is kept until AWS says that it is gone."""

    def __init__(
        self, elbv2: "ElasticLoadBalancingv2Client", balancer: str, target_groups: Iterable[str]
    ) -> None:
        """`balancer`: its name; `target_groups`: names of those that the rule forwards to, at least."""
        self._elbv2 = elbv2
        self._name = balancer
        self._own = frozenset(target_groups)
        self._arn = ""
        self._balancer = ""
        self._target_groups: dict[str, str] = {}

    def weights(self) -> Mapping[str, int]:
        """Weight of each target group of the rule, by name; raises `RuleMissingError`."""
        return shares(self._read())

    def set_weights(self, weights: Mapping[str, int]) -> None:
        """Set weights by target group's name; all others of the rule get none.

        Everything else in the rule stays. Raises `RuleMissingError` when the rule lacks one of them.
        """
        rule = self._read()
        if lacking := sorted(weights.keys() - shares(rule).keys()):
            raise RuleMissingError(f"the model's listener rule doesn't forward to {', '.join(lacking)}")
        actions: list[Any] = [_reweighted(action, weights) for action in rule["Actions"]]
        self._elbv2.modify_rule(RuleArn=rule["RuleArn"], Actions=actions)

    def target_groups(self) -> Mapping[str, str]:
        """ARNs of the rule's target groups, by name; raises `RuleMissingError`."""
        if not self._target_groups:
            self._read()
        return self._target_groups

    def balancer(self) -> str:
        """The load balancer's ARN."""
        if not self._balancer:
            found = self._elbv2.describe_load_balancers(Names=[self._name])
            self._balancer = found["LoadBalancers"][0]["LoadBalancerArn"]
        return self._balancer

    def forget(self) -> None:
        """Look everything up anew."""
        self._arn, self._balancer, self._target_groups = "", "", {}

    def _read(self) -> "RuleTypeDef":
        rule = self._known() or self._found()
        self._arn = rule["RuleArn"]
        self._target_groups = {_name(target): target.get("TargetGroupArn", "") for target in _targets(rule)}
        return rule

    def _known(self) -> "RuleTypeDef | None":
        if not self._arn:
            return None
        try:
            found = self._elbv2.describe_rules(RuleArns=[self._arn])["Rules"]
        except self._elbv2.exceptions.RuleNotFoundException:
            found = []
        # A rule that was replaced may leave its ARN to none or, for a while, to one without our groups.
        ours = [rule for rule in found if self._is_ours(rule)]
        if not ours:
            self.forget()
        return ours[0] if ours else None

    def _found(self) -> "RuleTypeDef":
        try:
            for rule in rules(self._elbv2, self.balancer()):
                if self._is_ours(rule):
                    return rule
        except self._elbv2.exceptions.LoadBalancerNotFoundException:
            self.forget()
        raise RuleMissingError(
            f"no rule of the load balancer {self._name} forwards to {' and '.join(sorted(self._own))}"
        )

    def _is_ours(self, rule: "RuleTypeDef") -> bool:
        found = shares(rule)
        return len(found) > 1 and self._own <= found.keys()


def rules(elbv2: "ElasticLoadBalancingv2Client", balancer: str) -> Iterator["RuleTypeDef"]:
    """All rules of all listeners of a load balancer (its ARN): one call, and one a listener and 100 rules."""
    for listener in elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
        pages = elbv2.get_paginator("describe_rules").paginate(ListenerArn=listener["ListenerArn"])
        for page in pages:
            yield from page["Rules"]


def shares(rule: "RuleTypeDef") -> dict[str, int]:
    """Weight of each target group that a rule forwards to, by name."""
    return {_name(target): target.get("Weight", 1) for target in _targets(rule)}


def _targets(rule: "RuleTypeDef") -> Iterator["TargetGroupTupleTypeDef"]:
    for action in rule["Actions"]:
        yield from action.get("ForwardConfig", {}).get("TargetGroups", [])


def _name(target: "TargetGroupTupleTypeDef") -> str:
    """From the ARN, which ends in targetgroup/NAME/ID."""
    return target.get("TargetGroupArn", "").split("/")[1]


def _reweighted(action: Any, weights: Mapping[str, int]) -> dict[str, Any]:
    """An action as it is, but for the weights."""
    if not action.get("ForwardConfig", {}).get("TargetGroups"):
        return dict(action)
    forward = action["ForwardConfig"]
    targets = [{**target, "Weight": weights.get(_name(target), 0)} for target in forward["TargetGroups"]]
    # The API gives the one target group of a plain forward twice, and takes it once.
    kept = {key: value for key, value in action.items() if key != "TargetGroupArn"}
    return kept | {"ForwardConfig": {**forward, "TargetGroups": targets}}
