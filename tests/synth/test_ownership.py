"""Terraform owns structure, the runtime motion; and models come and go without touching each other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.environment.capacity import bounds
from infra.environment.model import Environment
from infra.environment.names import group
from infra.environment.slots import Market, Slot
from tests.synth.synthesis import VARIANTS, Stack, environment, model

Synth = Callable[[Environment], Stack]

_IGNORED = {
    "aws_autoscaling_group": [
        "desired_capacity",
        "min_size",
        "mixed_instances_policy[0].launch_template[0].launch_template_specification[0].version",
        "warm_pool",
    ],
    "aws_lb_listener_rule": ["action"],
}


def leads_to_one_slot(arguments: dict[str, Any]) -> bool:
    """Whether this is a rule for requests that name a slot: nothing about it ever moves."""
    return any("http_header" in condition for condition in arguments.get("condition", []))


def test_ignores_exactly_what_the_runtime_owns(variant: Stack) -> None:
    """Groups and models' rules leave the runtime's fields alone; no other resource leaves anything alone."""
    for address, arguments in variant.resources():
        ignored = arguments.get("lifecycle", {}).get("ignore_changes", [])
        owned = [] if leads_to_one_slot(arguments) else _IGNORED.get(address.partition(".")[0], [])
        assert ignored == owned, address


def test_groups_start_empty_on_the_latest_release(variant: Stack) -> None:
    """A new group has no instances, whatever the file says: the runtime raises it."""
    for address, arguments in variant.resources("aws_autoscaling_group"):
        assert (arguments["min_size"], arguments["desired_capacity"]) == (0, 0), address
        assert arguments["wait_for_capacity_timeout"] == "0", address
        pinned = arguments["mixed_instances_policy"]["launch_template"]["launch_template_specification"]
        assert pinned["version"].endswith(".latest_version}"), address


def test_maximum_sizes_are_the_capacity_rules(variant: Stack, spec: Environment) -> None:
    """The maximum comes from the one place that the runtime takes its minimum from."""
    groups = {each["name"]: each for _, each in variant.resources("aws_autoscaling_group")}
    expected = {
        group(spec.environment, name, slot, market): bounds(each, market).max
        for name, each in spec.models.items()
        for slot in Slot
        for market in Market
    }
    assert {name: each["max_size"] for name, each in groups.items()} == expected


def test_rules_start_at_blue(variant: Stack, spec: Environment) -> None:
    """A new model sends everything to blue; one that may sleep starts asleep."""
    for address, arguments in variant.resources("aws_lb_listener_rule"):
        if leads_to_one_slot(arguments):
            continue
        targets = arguments["action"][0]["forward"]["target_group"]
        places = ("blue", "green", "waker")
        weights = {next(p for p in places if f"_{p}_" in each["arn"]): each["weight"] for each in targets}
        model = arguments["tags"]["llmctl:model"]
        sleeps = spec.models[model].replicas.sleep_after
        assert weights == ({"blue": 0, "green": 0, "waker": 100} if sleeps else {"blue": 100, "green": 0}), (
            address
        )


def test_adding_a_model_changes_nothing_else(synth: Synth) -> None:
    """Every resource that was there is still there, to the byte; only a dashboard compares models."""
    models = {"one": model(), "two": model(source="s3://weights/two")}
    before = synth(environment(models=models))
    after = synth(environment(models=models | {"three": model(source="s3://weights/three")}))
    for section in ("resource", "data"):
        for kind, elements in before.json[section].items():
            for name, arguments in elements.items():
                if name == "dashboard_comparison":
                    continue
                assert after.json[section][kind][name] == arguments, f"{kind}.{name}"
    assert after.json["locals"].items() >= before.json["locals"].items()
    added = {address for address, _ in after.resources()} - {address for address, _ in before.resources()}
    assert all(".model_three_" in address for address in added)


def test_adding_a_zone_moves_no_subnet(synth: Synth) -> None:
    """A subnet's range follows from its own zone, so a third zone doesn't renumber two."""
    two = synth(environment())
    zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    three = synth(environment({"chat": model(instances={"types": ["g5.xlarge"], "zones": zones})}))
    before = {address: each["cidr_block"] for address, each in two.resources("aws_subnet")}
    after = {address: each["cidr_block"] for address, each in three.resources("aws_subnet")}
    assert after.items() >= before.items()
    assert len(set(after.values())) == len(after) == 6


@pytest.mark.parametrize("name", ["staging", "production"])
def test_output_is_byte_stable(name: str, synth: Synth) -> None:
    """The same environment twice gives the same bytes, the asset included."""
    first, second = synth(VARIANTS[name]), synth(VARIANTS[name])
    assert first.text == second.text
    assert _files(first.folder) == _files(second.folder)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
