"""What doctor demands, and how it says so."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError

import pytest

from infra.checks import packages
from infra.checks.doctor import RULES, examine, is_fit
from infra.checks.rule import Found, Need, Rule


def _rule(need: Need, *, ok: bool) -> Rule:
    def look(environment: Mapping[str, str]) -> Found:
        return Found(ok, "1.0" if ok else "not there")

    return Rule(id="x", summary="a thing", remedy="get it", need=need, look=look)


@pytest.mark.parametrize(
    ("need", "provider", "fit"),
    [
        (Need.ALWAYS, None, False),
        (Need.EMBEDDED, None, True),
        (Need.EMBEDDED, "embedded", False),
        (Need.EMBEDDED, "aws", True),
        (Need.AWS, "aws", False),
        (Need.NOBODY, "embedded", True),
    ],
)
def test_only_what_is_needed_is_required(need: Need, provider: str | None, fit: bool) -> None:
    """Missing credentials don't matter to the embedded cloud, nor Envoy to AWS."""
    assert is_fit(examine({}, provider, [_rule(need, ok=False)])) is fit


def test_a_remedy_only_where_something_is_wrong() -> None:
    """What is well needs no advice."""
    assert [result.remedy for result in examine({}, None, [_rule(Need.ALWAYS, ok=True)])] == [""]
    assert [result.remedy for result in examine({}, None, [_rule(Need.ALWAYS, ok=False)])] == ["get it"]


def test_rules_are_told_apart() -> None:
    """Ids are unique, and each rule says what it looks for and what to do."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.summary and rule.remedy for rule in RULES)


def test_every_rule_can_be_asked_with_an_empty_environment() -> None:
    """Doctor is for broken machines: no check may itself fail."""
    assert len(examine({"PATH": ""})) == len(RULES)


def test_an_exact_pin_must_be_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another moto than the pinned one would silently lose the fixes that reach into it."""
    monkeypatch.setattr(packages, "version", lambda name: "0.1")
    found = packages.installed("moto", "moto")({})
    assert not found.ok
    assert f"must be {packages.pinned('moto')}" in found.what


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing to know is the package's name."""

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "version", missing)
    assert packages.installed("moto", "moto")({}).what == "the package moto is not installed"
