"""The journal's JSON: an exact way there and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.environment.slots import Market, Slot
from infra.errors import LlmctlError
from infra.rollout.codec import from_json, to_json, tuple_from_json
from infra.rollout.measured import Distribution, Measured, Measurements
from infra.rollout.types import Asked, Phase, Plan, Request, Size, Status, Verdict

NUMBERS = st.floats(allow_nan=False)
STATUS = Status(phase=Phase.BAKING, since=1.5, step=1, weight=25)


def built(kind: type[object]) -> st.SearchStrategy[object]:
    """Any value of a dataclass."""
    return st.from_type(kind)


st.register_type_strategy(float, NUMBERS)


@given(st.one_of(*(built(kind) for kind in (Plan, Status, Request, Verdict, Measurements, Measured))))
def test_everything_survives(value: object) -> None:
    """What the journal writes is what it reads, in value and in type."""
    text = to_json(value)
    found = from_json(type(value), text)
    assert found == value
    assert to_json(found) == text


def test_keys_and_members_are_enums_again() -> None:
    """Slots, markets and phases are compared by identity in the policy: plain strings would not do."""
    size = {Market.ON_DEMAND: Size(minimum=1, desired=2)}
    plan = from_json(Plan, to_json(a_plan(size)))
    assert next(iter(plan.baseline)) is Market.ON_DEMAND
    assert plan.new_slot is Slot.GREEN


def test_verdicts_are_a_tuple() -> None:
    """Entries keep several verdicts in one text."""
    request = Request(id="1", asked=Asked.PROMOTE_FULL, by="me", at=2.0)
    assert tuple_from_json(Request, to_json((request, request))) == (request, request)


def test_a_ladder_is_pairs() -> None:
    """Tuples of a fixed length keep it."""
    ladder = Distribution(count=3, ladder=((50.0, 0.1), (99.0, 0.2)))
    assert from_json(Distribution, to_json(ladder)) == ladder
    with pytest.raises(LlmctlError):
        from_json(Distribution, '{"count":3,"ladder":[[50.0]]}')


def test_whole_numbers_are_floats_too() -> None:
    """Other writers of JSON leave the point out."""
    assert from_json(Status, '{"phase":"baking","since":7}') == Status(phase=Phase.BAKING, since=7.0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"wings": 2}, "unknown 'wings'"),
        ({"phase": "flying"}, "flying"),
        ({"step": "one"}, "step"),
        ({"step": True}, "step"),
        ({"failed": {}}, "failed"),
    ],
)
def test_what_is_not_understood_is_refused(change: dict[str, object], told: str) -> None:
    """A newer version's plan must not be driven by half."""
    with pytest.raises(LlmctlError, match=told) as caught:
        from_json(Status, json.dumps(json.loads(to_json(STATUS)) | change))
    assert "version" in caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "null", '{"since": 1}', '{"phase": "baking"}'])
def test_what_is_no_status_is_refused(text: str) -> None:
    """Text that was cut or belongs elsewhere is an error in words, not a traceback."""
    with pytest.raises(LlmctlError, match="can't read"):
        from_json(Status, text)


def a_plan(baseline: dict[Market, Size]) -> Plan:
    """A plan with this baseline."""
    return Plan(
        id="20261122T213000Z-1a2b",
        model="chat",
        old_slot=Slot.BLUE,
        old_release=1,
        new_slot=Slot.GREEN,
        new_release=2,
        strategy="canary",
        steps=(),
        gates=(),
        baseline=baseline,
        surge=None,
        capacity_timeout=1,
        propagation=1,
        patience=1,
        inconclusive="pause",
        keep_previous=1,
        watchdog=1,
        judge_every=1,
    )
