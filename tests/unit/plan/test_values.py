"""How two values of an attribute differ: documents opened, noise left out, secrets hidden."""

import base64
import json

from infra.plan.values import Difference, as_text, differences, secret

POLICY = {"Statement": [{"Action": ["s3:GetObject"], "Resource": "*"}]}


def told(before: object, after: object, **options: object) -> dict[str, tuple[object, object]]:
    """The differences by path."""
    return {each.path: (each.before, each.after) for each in differences(before, after, **options)}  # type: ignore[arg-type]


def test_a_document_in_a_text_is_opened() -> None:
    """A policy differs in an action, not in a thousand characters of JSON."""
    wider = {"Statement": [{"Action": ["s3:*"], "Resource": "*"}]}
    found = told({"policy": json.dumps(POLICY)}, {"policy": json.dumps(wider, indent=2)})
    assert found == {"policy.Statement.0.Action": (["s3:GetObject"], ["s3:*"])}


def test_another_spelling_of_the_same_document_is_no_difference() -> None:
    """Spaces and the order of keys mean nothing."""
    assert not told({"policy": json.dumps(POLICY)}, {"policy": json.dumps(POLICY, indent=2)})


def test_user_data_is_decoded_and_told_by_the_line() -> None:
    """An argument of the engine that changes is one line out and one line in, in JSON on one line too."""
    texts = [
        f"#cloud-config\nwrite_files:\n  - content: |\n      {json.dumps({'args': args, 'port': 8000})}\n"
        for args in (["--max-model-len", "8192"], ["--max-model-len", "4096"])
    ]
    old, new = ({"user_data": base64.b64encode(text.encode()).decode()} for text in texts)
    (found,) = differences(old, new)
    assert found.path == "user_data"
    assert found.lines == ('- "8192"', '+ "4096"')


def test_what_is_not_set_is_nothing() -> None:
    """Terraform writes null, an empty text and an empty list for the same thing."""
    assert not told({"a": None, "b": "", "c": []}, {"a": "", "b": [], "d": None})


def test_false_and_zero_say_something() -> None:
    """Protection that goes from unset to off is a change, and so is a minimum of none."""
    assert told({"protect": None, "min": 1}, {"protect": False, "min": 0}) == {
        "protect": (None, False),
        "min": (1, 0),
    }


def test_what_the_apply_will_tell_is_named() -> None:
    """Not shown as if it went away."""
    (found,) = differences({"arn": "old"}, {}, {"arn": True})
    assert found == Difference("arn", "old", None, unknown=True)


def test_marks_that_mark_nothing_make_no_difference() -> None:
    """Terraform also writes false for each element of a list that it knows."""
    assert not told({"groups": ["sg-1"]}, {"groups": ["sg-1"]}, unknown={"groups": [False]})


def test_blocks_are_compared_one_by_one_and_lists_of_values_as_wholes() -> None:
    """A changed port names its rule; a changed list of addresses shows both lists."""
    before = {"ingress": [{"port": 80}, {"port": 443}], "cidrs": ["10.0.0.0/8"]}
    after = {"ingress": [{"port": 80}, {"port": 8443}], "cidrs": ["10.0.0.0/8", "0.0.0.0/0"]}
    assert told(before, after) == {
        "ingress.1.port": (443, 8443),
        "cidrs": (["10.0.0.0/8"], ["10.0.0.0/8", "0.0.0.0/0"]),
    }


def test_the_cause_of_a_replacement_is_marked() -> None:
    """Whether the cause is the attribute, a part of it, or the whole around it."""
    found = differences({"a": {"b": 1}, "c": 1}, {"a": {"b": 2}, "c": 2}, None, [("a",)])
    assert {each.path: each.replaces for each in found} == {"a.b": True, "c": False}


def test_a_changed_secret_is_told_and_not_shown() -> None:
    """That a key changes matters; what it is, nobody may read in a plan."""
    (found,) = differences({"key": secret("old")}, {"key": secret("new")})
    assert (found.before, found.after) == ("(sensitive)", "(sensitive)")
    assert not list(differences({"key": secret("old")}, {"key": secret("old")}))


def test_values_read_as_people_write_them() -> None:
    """No Python in a plan."""
    assert [as_text(each) for each in (None, True, 2.0, 0.5, "a", ["b"])] == [
        "nothing",
        "true",
        "2",
        "0.5",
        "a",
        '["b"]',
    ]
