"""docs/bench.md says what the code does."""

import re
from dataclasses import fields
from pathlib import Path

from infra.bench import report
from infra.bench.sample import Kind

DOCUMENT = (Path(__file__).parents[3] / "docs" / "bench.md").read_text()
ROWS = dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", DOCUMENT, re.MULTILINE))
NESTED = {
    "target": (report.Target, report.Release),
    "settings": (report.Settings,),
    "requests": (report.Counts,),
    "rate": (report.Rates,),
    "tokens": (report.Tokens,),
    "failures": (report.FailureCount,),
    "good": (report.Good,),
    "groups": (report.Group,),
}


def test_every_key_of_the_json_is_documented() -> None:
    """Scripts rely on the schema: the table names each key, and no other."""
    keys = [field.name for field in fields(report.Report)]
    assert [row for row in ROWS if row not in list(Kind) and row != "http-STATUS"] == keys


def test_every_nested_key_is_documented() -> None:
    """In the row of the key that it is in."""
    for key, types in NESTED.items():
        for kind in types:
            for field in fields(kind):
                assert f"`{field.name}`" in ROWS[key], (key, field.name)


def test_every_kind_of_failure_is_documented() -> None:
    """A kind that nobody explains helps nobody."""
    assert set(Kind) <= ROWS.keys()
