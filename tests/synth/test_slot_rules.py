"""Rules that lead straight to one slot, and the order of all rules of a balancer."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Slot
from tests.synth.synthesis import Stack, environment, model

Synth = Callable[[Environment], Stack]

_LAST_PRIORITY = 50_000


def rules(stack: Stack) -> dict[str, dict[str, object]]:
    """All listener rules, by their names in Terraform."""
    return {address.partition(".")[2]: each for address, each in stack.resources("aws_lb_listener_rule")}


@pytest.mark.parametrize("slot", Slot)
def test_a_header_leads_to_one_slot(slot: Slot, variant: Stack, spec: Environment) -> None:
    """Each slot of each model is reached by its header, alone, whatever the weights are."""
    found = rules(variant)
    for name in spec.models:
        rule = found[f"model_{name}_{slot}_rule_listener"]
        assert rule["condition"] == [
            {"http_header": {"http_header_name": "x-llmctl-slot", "values": [f"{name}/{slot}"]}}
        ]
        arn = f"${{aws_lb_target_group.model_{name}_{slot}_targets.arn}}"
        assert rule["action"] == [{"type": "forward", "target_group_arn": arn}]
    assert len(found) == 3 * len(spec.models)


def test_the_header_comes_before_the_weights(variant: Stack, spec: Environment) -> None:
    """A request that names a slot is not split: the model's own rule, which would take it, is behind."""
    found = {name: int(str(each["priority"])) for name, each in rules(variant).items()}
    for name in spec.models:
        assert all(
            found[f"model_{name}_{slot}_rule_listener"] < found[f"model_{name}_rule_listener"]
            for slot in Slot
        )


@given(st.sets(st.from_regex("[a-z](-?[a-z0-9]){0,9}", fullmatch=True), min_size=1, max_size=40))
def test_no_two_rules_share_a_priority(models: set[str]) -> None:
    """Models whose places differ, which the check of the file sees to, share no priority with any rule."""
    spec = environment(models={name: model() for name in sorted(models)})
    apart = {names.rule_order(spec, name): name for name in spec.models}
    taken = [names.rule_priority(spec, name, slot) for name in apart.values() for slot in (*Slot, None)]
    assert len(set(taken)) == len(taken)
    assert min(taken) >= 1
    assert max(taken) <= _LAST_PRIORITY


def test_a_slow_start_is_the_target_groups(synth: Synth) -> None:
    """Both slots give new replicas a growing share where the file asks for it; else nothing is said of it."""
    eased = model(routing={"algorithm": "round_robin", "slow_start": "90s"})
    stack = synth(environment(models={"eased": eased, "plain": model()}))
    assert {each["name"]: each.get("slow_start") for _, each in stack.resources("aws_lb_target_group")} == {
        "test-eased-blue": 90,
        "test-eased-green": 90,
        "test-plain-blue": None,
        "test-plain-green": None,
    }
