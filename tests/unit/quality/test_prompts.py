"""The file of golden prompts: what is read, and what is refused where."""

import json
from pathlib import Path

import pytest

from infra.errors import Refused
from infra.quality.prompts import load, parse


def test_a_line_has_a_question_and_what_its_answer_is_measured_by() -> None:
    """Every key of the format arrives; what is left out has the documented default."""
    full = {
        "id": "a",
        "messages": [{"role": "user", "content": "Hi"}],
        "reference": "Hello",
        "pattern": "^H",
        "schema": {"type": "object"},
        "max_tokens": 9,
        "temperature": 1,
        "seed": 3,
    }
    first, second = parse(f'{json.dumps(full)}\n\n{{"id": "b", "prompt": "Once"}}\n', place="f")
    assert (first.ask, first.reference, first.pattern) == (tuple(full["messages"]), "Hello", "^H")  # type: ignore[arg-type]
    assert (first.schema, first.max_tokens, first.temperature, first.seed) == ({"type": "object"}, 9, 1.0, 3)
    assert (second.ask, second.reference, second.max_tokens) == ("Once", None, 256)
    assert (second.temperature, second.seed) == (0.0, None)


def test_separators_inside_a_text_are_no_new_line() -> None:
    """JSON may hold U+2028 as it is; editors don't break lines there either."""
    (prompt,) = parse('{"id": "a", "prompt": "one\u2028two"}', place="f")
    assert prompt.ask == "one\u2028two"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[]", 'either "prompt" or "messages"'),
        ('{"id": "a"}', 'either "prompt" or "messages"'),
        ('{"id": "a", "prompt": "x", "messages": []}', 'either "prompt" or "messages"'),
        ('{"prompt": "x"}', "id is missing"),
        ('{"id": 1, "prompt": "x"}', "id is not a text"),
        ('{"id": "a", "prompt": ""}', "prompt is not a text"),
        ('{"id": "a", "messages": []}', "at least one message"),
        ('{"id": "a", "messages": [{"content": "x"}]}', "not an object with a role"),
        ('{"id": "a", "prompt": "x", "refrence": "y"}', "unknown: refrence"),
        ('{"id": "a", "prompt": "x", "pattern": "("}', "pattern is not a regular expression"),
        ('{"id": "a", "prompt": "x", "schema": {"type": "objekt"}}', "schema is not a JSON Schema"),
        ('{"id": "a", "prompt": "x", "schema": []}', "schema is not a JSON Schema"),
        ('{"id": "a", "prompt": "x", "max_tokens": 0}', "max_tokens is less than 1"),
        ('{"id": "a", "prompt": "x", "max_tokens": true}', "max_tokens is not a whole number"),
        ('{"id": "a", "prompt": "x", "temperature": 3}', "temperature is not a number from 0 to 2"),
        ('{"id": "a", "prompt": "x", "temperature": NaN}', "temperature is not a number from 0 to 2"),
        ('{"id": "a", "prompt": "x", "seed": "1"}', "seed is not a whole number"),
        ('{"id": "first", "prompt": "x"}', "'first' is there twice"),
    ],
)
def test_a_wrong_line_is_named(line: str, said: str) -> None:
    """Before anything is asked, with the place to mend."""
    with pytest.raises(Refused, match=r"golden\.jsonl:3: ") as caught:
        parse(f'{{"id": "first", "prompt": "x"}}\n\n{line}', place="golden.jsonl")
    assert said in caught.value.message


def test_an_empty_or_missing_file_is_refused(tmp_path: Path) -> None:
    """No prompt at all would make every rollout inconclusive."""
    with pytest.raises(Refused, match="no prompt in it"):
        parse("\n", place="f")
    with pytest.raises(Refused, match=r"none\.jsonl"):
        load(tmp_path / "none.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff")
    with pytest.raises(Refused, match=r"bytes\.jsonl"):
        load(tmp_path / "bytes.jsonl")


def test_the_question_in_words_has_every_part() -> None:
    """Judges and people read it, whatever its form."""
    parts = [{"type": "text", "text": "What"}, {"type": "image_url"}, {"type": "text", "text": "is it?"}]
    messages = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": parts}]
    (prompt,) = parse(json.dumps({"id": "a", "messages": messages}), place="f")
    assert prompt.text == "system: Be brief\nuser: What  is it?"


def test_the_example_can_be_used() -> None:
    """People start from it: it has a prompt for every scorer."""
    prompts = load(Path(__file__).parents[3] / "examples" / "golden.jsonl")
    for key in ("reference", "pattern", "schema"):
        assert any(getattr(prompt, key) is not None for prompt in prompts), key
