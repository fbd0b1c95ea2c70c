"""What `local market` makes of its options."""

import json
from pathlib import Path
from typing import Any

import click
import pytest

from cli.spot_market import told

NOTHING: dict[str, Any] = {"zones": (), "flap": (), "trace": None, "onto": None, "speed": 1.0}


def test_zones_hold_from_now_on() -> None:
    """One step, without an end; nothing asked is no step."""
    assert told({**NOTHING, "zones": ("a=0", "b=2")}) == (((0.0, {"a": 0, "b": 2}),), None)
    assert told(NOTHING) == ((), None)


def test_flapping_is_none_and_no_limit_in_turn() -> None:
    """For as long each."""
    assert told({**NOTHING, "flap": ("a=30s",)}) == (((0.0, {"a": 0}), (30.0, {})), 60.0)


def test_a_trace_is_replayed_onto_zones(tmp_path: Path) -> None:
    """Each change of any zone is a step with all of them, as fast as asked for."""
    for name, data in (("us-x-1a", [1, 1, 0]), ("us-x-1b", [0, 3, 3])):
        body = {"metadata": {"gap_seconds": 300}, "data": data}
        (tmp_path / f"{name}.json").write_text(json.dumps(body))
    steps, repeat = told({**NOTHING, "trace": tmp_path, "onto": "a,b", "speed": 10.0})
    assert repeat is None
    assert [(at, dict(zones)) for at, zones in steps] == [
        (0.0, {"a": 1, "b": 0}),
        (30.0, {"a": 1, "b": 3}),
        (60.0, {"a": 0, "b": 3}),
    ]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"zones": ("a",)}, "ZONE=VALUE"),
        ({"zones": ("a=many",)}, "not a number"),
        ({"zones": ("a=1",), "flap": ("b=1s",)}, "exclude"),
        ({"flap": ("a=1s", "b=2s")}, "same time"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], why: str) -> None:
    """Before the cloud is asked."""
    with pytest.raises(click.UsageError, match=why):
        told({**NOTHING, **wrong})


def test_a_trace_needs_a_zone_for_each_of_its_own(tmp_path: Path) -> None:
    """Its zones are elsewhere: somebody must say which of ours stand for them."""
    (tmp_path / "us-x-1a.json").write_text(json.dumps({"metadata": {"gap_seconds": 300}, "data": [1, 0]}))
    with pytest.raises(click.UsageError, match="us-x-1a"):
        told({**NOTHING, "trace": tmp_path})
