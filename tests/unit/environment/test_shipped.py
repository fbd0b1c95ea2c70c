"""The three environments that come with llmctl, and the starters of `init`."""

import io
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from infra.engines.registry import engine, launch
from infra.environment.load import examine, load
from infra.environment.model import Environment
from infra.environment.starter import write
from infra.errors import Refused

ROOT = Path(__file__).parents[3]
NAMES = ["local", "staging", "production"]


def shipped(name: str) -> Path:
    """An environment's file."""
    return ROOT / "environments" / f"{name}.yaml"


@pytest.mark.parametrize("name", NAMES)
def test_it_has_neither_errors_nor_advice(name: str) -> None:
    """What people copy from is exemplary."""
    found = examine(shipped(name))
    assert [each.render() for each in (*found.problems, *found.advice)] == []


@given(seed=st.integers(0, 2**32), flow=st.booleans(), name=st.sampled_from(NAMES))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_survives_a_round_trip(tmp_path: Path, seed: int, flow: bool, name: str) -> None:
    """Written out by a machine in any order and style, the file still means the same."""
    original = load(shipped(name))
    data = _shuffled(msgspec.to_builtins(original), random.Random(seed))
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = flow
    text = io.StringIO()
    yaml.dump(data, text)
    path = tmp_path / f"{name}.yaml"
    path.write_text(text.getvalue())
    assert load(path) == original


def _shuffled(value: Any, order: random.Random) -> Any:
    """The same sections with their keys in another order; what is left out stays out."""
    if not isinstance(value, dict):
        return value
    items = [(key, _shuffled(each, order)) for key, each in value.items() if each not in (None, [], (), {})]
    order.shuffle(items)
    return dict(items)


def test_production_serves_two_independent_models() -> None:
    """French and Spanish differ in pools, scaling and rollout, and are told apart by host."""
    environment = load(shipped("production"))
    french, spanish = environment.models["french"], environment.models["spanish"]
    assert environment.protect
    assert not set(french.instances.types) & set(spanish.instances.types)
    assert french.scaling != spanish.scaling
    assert french.rollout != spanish.rollout
    assert environment.path_prefix("spanish") == ""


@pytest.mark.parametrize("name", NAMES)
def test_its_engines_start_with_known_arguments(name: str) -> None:
    """No argument that llmctl writes is one that the engine would refuse."""
    environment = load(shipped(name))
    for model, spec in environment.models.items():
        known = engine(spec.engine.name).known_args
        written = [word[2:] for word in launch(environment, model).args if word.startswith("--")]
        assert [each for each in written if each not in known and each.removeprefix("no-") not in known] == []


@pytest.mark.parametrize("provider", ["aws", "embedded"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_a_starter_is_valid(tmp_path: Path, provider: str, region: str) -> None:
    """What `init` writes can be deployed as it is, and is commented."""
    path = write(tmp_path, "fresh", provider, region)
    found = examine(path)
    assert [each.render() for each in found.problems] == []
    assert isinstance(found.environment, Environment)
    assert found.environment.provider.region == region
    assert path.read_text().count("#") > 5
    assert (tmp_path / "schema.json").is_file()


def test_a_starter_never_overwrites(tmp_path: Path) -> None:
    """`init` can't destroy work."""
    path = tmp_path / "mine.yaml"
    path.write_text("precious")
    with pytest.raises(Refused, match="exists already"):
        write(tmp_path, "mine", "aws", "us-east-1")
    assert path.read_text() == "precious"


@pytest.mark.parametrize(("name", "region"), [("Bad", "us-east-1"), ("../up", "us-east-1"), ("good", "mars")])
def test_a_refused_starter_leaves_nothing(tmp_path: Path, name: str, region: str) -> None:
    """A bad name or region writes no file, inside the folder or out of it."""
    folder = tmp_path / "environments"
    with pytest.raises(Refused):
        write(folder, name, "aws", region)
    assert list(tmp_path.rglob("*.yaml")) == []
