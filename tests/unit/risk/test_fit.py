"""What a plan says of memory that only just suffices, and of production that nothing protects."""

from typing import Any

import pytest
from msgspec.structs import replace

from infra.environment.model import Architecture, Engine, Environment, Instances
from infra.risk.registry import judge
from infra.risk.types import Subject
from tests.fakes.environments import two_models
from tests.unit.risk.prepared import chat

TIGHT = "hf://org/model-9.5b"  # 17.7 GiB of weights and 1 to work with, of 20.0 on an A10G
ROOMY = "hf://org/model-7b"
ZONES = ("us-east-1a", "us-east-1b")


def told(before: Environment | None, after: Environment) -> list[tuple[str, str]]:
    """Model and words of the risks of memory."""
    return [(each.model, each.what) for each in judge(Subject(before, after, ())) if each.id == "tight-fit"]


def on(*types: str, **sections: Any) -> Environment:
    """The environment with `chat` on these types."""
    return chat(**{"source": TIGHT, "instances": Instances(types=types, zones=ZONES)} | sections)


def test_little_memory_to_spare_is_told_with_numbers() -> None:
    """For each type of a new release of which less than a tenth is left."""
    assert told(on("g5.xlarge", source=ROOMY), on("g5.xlarge", "g6e.xlarge")) == [
        ("chat", "chat fits g5.xlarge with 1.3 of 20.0 GiB to spare")
    ]


def test_another_sequence_that_has_no_room_is_told() -> None:
    """A tenth may be left, and yet long requests wait for each other."""
    facts = Architecture(parameters=7.6e9, layers=28, kv_heads=4, head_size=128)
    long = Engine(name="vllm", version="v0.18.0", args={"max-model-len": 49152})
    found = told(None, on("g5.xlarge", source=ROOMY, architecture=facts, engine=long))
    expected = (
        "chat fits g5.xlarge with 2.2 of 20.0 GiB to spare, and another sequence of full length takes 2.6"
    )
    assert found == [("chat", expected)]


def test_what_has_room_is_not_told() -> None:
    """Nor what doesn't fit, which is refused, nor what no name and no file tells the size of."""
    for source in (ROOMY, "hf://org/model-70b", "hf://org/model"):
        assert told(None, on("g5.xlarge", source=source)) == []


def test_memory_of_an_instance_is_not_reserved() -> None:
    """On processors nothing takes a share ahead: what is left is the instance's."""
    engine = Engine(name="llama.cpp", version="b4321")
    assert told(None, on("c7i.4xlarge", source="s3://models/model-14b.bf16.gguf", engine=engine)) == []


def test_a_shared_budget_has_no_next_sequence() -> None:
    """The context of llama.cpp is for all sequences together: none waits for another's."""
    facts = Architecture(parameters=7.6e9, layers=28, kv_heads=4, head_size=128)
    engine = Engine(name="llama.cpp", version="b4321", args={"ctx-size": 262144})
    assert told(None, on("g5.xlarge", source=ROOMY, architecture=facts, engine=engine)) == []


def test_an_engine_that_nobody_knows_is_not_judged() -> None:
    """As the check: what an image of one's own needs is not known."""
    engine = Engine(name="openai", version="1", image="registry.example.com/server")
    assert told(None, on("g5.xlarge", engine=engine)) == []


@pytest.mark.parametrize(
    ("after", "types"),
    [
        (on("g5.xlarge"), []),
        (on("g5.xlarge", "g6.xlarge"), ["g6.xlarge"]),
        (on("g5.xlarge", engine=Engine(name="vllm", version="v0.19.0")), ["g5.xlarge"]),
        (replace(on("g5.xlarge"), tags={"team": "search"}), []),
    ],
)
def test_only_what_the_change_puts_to_the_test(after: Environment, types: list[str]) -> None:
    """New types, or all of them for another release; what replicas run on already is no news."""
    found = told(on("g5.xlarge", engine=Engine(name="vllm", version="0.11.0")), after)
    assert [what.split()[2] for _, what in found] == types


@pytest.mark.parametrize(
    ("name", "protect", "expected"),
    [
        ("production", False, True),
        ("prod-eu", False, True),
        ("production", True, False),
        ("shop", False, False),
    ],
)
def test_production_that_nothing_protects_is_told(name: str, protect: bool, expected: bool) -> None:
    """By its name, as nothing else says what an environment is for."""
    environment = replace(two_models(name), protect=protect)
    found = {each.id for each in judge(Subject(environment, environment, ()))}
    assert ("unprotected" in found) == expected
