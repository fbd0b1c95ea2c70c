"""The schema, the typed model, the reference and what is committed say the same."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from infra.environment import reference, schema, shape
from infra.environment.checks import RULES
from infra.environment.document import Document
from infra.environment.model import Environment
from tests.unit.environment.builders import changed

ROOT = Path(__file__).parents[3]
VALIDATOR = Draft202012Validator(schema.schema())


def test_the_committed_schema_is_the_models() -> None:
    """Editors check against what llmctl checks; `llmctl schema > environments/schema.json` renews it."""
    assert (ROOT / "environments" / "schema.json").read_text() == schema.text()


def test_the_committed_reference_is_the_models() -> None:
    """The documentation can't be wrong; `python -m infra.environment.reference` renews it."""
    assert (ROOT / "docs" / "environment-file.md").read_text() == reference.text()


def test_it_is_a_schema_of_its_dialect() -> None:
    """Other tools accept it."""
    Draft202012Validator.check_schema(schema.schema())
    assert schema.schema()["$schema"] == schema.DIALECT


def test_every_section_refuses_unknown_keys_and_is_described() -> None:
    """An ignored key is worse than a refused one, and an editor explains each."""
    definitions = schema.schema()["$defs"]
    for section in (schema.schema(), *definitions.values()):
        assert section["additionalProperties"] is False
        assert section["description"]
        for name, field in section["properties"].items():
            assert "description" in field or "$ref" in field, f"{name} has no description"


def test_the_reference_lists_every_rule() -> None:
    """Each check is documented under its id, and ids are unique."""
    text = reference.text()
    assert all(f"| `{rule.id}` |" in text for rule in RULES)
    assert len({rule.id for rule in RULES}) == len(RULES)


VALUES = st.one_of(
    st.integers(-2, 70_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.sampled_from(
        ["", "chat", "10.0.0.0/16", "30s", "aws", "us-east-1", "s3://b/p", "llm.example.com", "x" * 40]
    ),
    st.lists(st.integers(0, 120), max_size=3),
    st.lists(st.sampled_from(["a", "10.0.0.0/8"]), max_size=2),
    st.dictionaries(st.sampled_from(["chat", "Bad", "min"]), st.integers(0, 5), max_size=2),
)
PLACES = st.sampled_from(
    [
        "environment",
        "protect",
        "tags",
        "models",
        "unknown",
        "provider/name",
        "provider/region",
        "provider/account",
        "network/cidr",
        "network/egress",
        "network/private_subnets",
        "endpoint/allow_cidrs",
        "endpoint/domain",
        "endpoint/port",
        "models/chat/source",
        "models/chat/scaling",
        "models/chat/architecture",
        "models/chat/engine/args",
        "models/chat/engine/env",
        "models/chat/engine/version",
        "models/chat/instances/types",
        "models/chat/instances/disk_gib",
        "models/chat/replicas/min",
        "models/chat/rollout",
        "models/chat/routing/priority",
        "models/chat/routing/deregistration_delay",
        "models/chat/batching/max_tokens",
    ]
)


@given(place=PLACES, value=VALUES)
@example(place="endpoint/port", value=1.0)
@settings(deadline=None)
def test_schema_and_model_agree(place: str, value: object) -> None:
    """The fast path and the explaining validator accept the same files: none passes by one alone."""
    data = changed((place, value))
    try:
        msgspec.convert(data, Environment)
        converts = True
    except msgspec.ValidationError:
        converts = False
    assert (shape.problems(Document(Path("sample.yaml"), data)) == []) == converts


@pytest.mark.parametrize("value", [8192, 0.9, True, "auto"])
def test_arguments_may_be_any_scalar(value: object) -> None:
    """Engines have numbers, words and switches."""
    assert VALIDATOR.is_valid(changed(("models/chat/engine/args", {"any": value})))
