"""The reviewer's test: prepared changes, and whether a plan's first lines say what is wrong with them."""

import dataclasses
from pathlib import Path

import pytest
from msgspec.structs import replace

from cli.render.plan import print_plan
from cli.render.plan_markdown import print_markdown
from infra.environment.acceptance import Acceptance
from infra.plan.report import PlanReport, report
from infra.policy.types import Severity as PolicySeverity
from infra.policy.types import Violation
from infra.risk import account, market, reference, room
from infra.risk.registry import RULES, judge
from infra.risk.types import Severity, Subject
from tests.unit.risk.prepared import PREPARED, Prepared

FIRST_LINES = 10
prepared = pytest.mark.parametrize("change", PREPARED, ids=lambda each: each.name)


def read(change: Prepared) -> PlanReport:
    """The plan of a prepared change."""
    return report(change.before, change.after, change.changes, has_changes=True)


def found(change: Prepared, severity: Severity) -> set[str]:
    """The ids of what was found, of one severity."""
    return {risk.id for risk in read(change).risks if risk.severity is severity}


@prepared
def test_what_is_wrong_is_found_and_nothing_else(change: Prepared) -> None:
    """No danger is missed, and none is cried where there is none."""
    assert found(change, Severity.DANGER) >= {change.danger} - {None}
    assert change.danger or not found(change, Severity.DANGER)
    assert found(change, Severity.WARNING) == {change.warning} - {None}


@prepared
def test_the_first_lines_name_the_danger(change: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    """A reviewer who reads ten lines of the plan, in a terminal or in a comment, knows."""
    for show in (print_plan, print_markdown):
        show(read(change))
        first = capsys.readouterr().out.splitlines()[:FIRST_LINES]
        dangers = [line for line in first if "DANGER" in line]
        assert bool(dangers) == bool(change.danger)
        assert change.danger is None or any(change.danger in line for line in dangers)


def test_every_rule_is_put_to_the_test() -> None:
    """Each finds something in a prepared change, or by what is known of the account and the market."""
    spoken = {risk.id for change in PREPARED for risk in read(change).risks}
    elsewhere = (*account.RULES, *market.RULES, *room.RULES)
    assert spoken == {rule.id for rule in RULES} - {rule.id for rule in elsewhere}


def test_dozens_of_one_kind_take_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A replaced network takes everything in it along; the other dangers must still be seen."""
    (network,) = (each for each in PREPARED if each.name == "another network range")
    print_plan(read(network))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(
        "  DANGER outage: aws_vpc.network_vpc would be replaced, because of cidr_block"
    )
    assert lines[1].endswith("(and 12 more)")


def test_a_denial_stands_first(capsys: pytest.CaptureFixture[str]) -> None:
    """What a team's own rule refuses is told like a danger; a warning is told at the end."""
    (tag,) = (each for each in PREPARED if each.name == "a tag")
    policy = (
        Violation(severity=PolicySeverity.DENY, rule="rules.py: deny_it", message="never"),
        Violation(severity=PolicySeverity.WARN, rule="rules.py: warn_of_it", message="seldom"),
    )
    denied = dataclasses.replace(read(tag), policy=policy)
    assert denied.is_denied
    for show in (print_plan, print_markdown):
        show(denied)
        lines = capsys.readouterr().out.splitlines()
        assert any("DENIED" in line and "never" in line for line in lines[:4])
        assert any("seldom" in line for line in lines[4:])


def test_an_accepted_risk_is_no_danger() -> None:
    """It is still told, last, with its reason; of another model it isn't accepted."""
    (removed,) = (each for each in PREPARED if each.name == "a model removed")
    reason = "its clients have moved"
    for model, accepted in (("french", reason), (None, reason), ("chat", "")):
        accept = (Acceptance(risk="model-removed", model=model, reason=reason),)
        risks = judge(Subject(removed.before, replace(removed.after, accept=accept), removed.changes))
        assert [risk.accepted for risk in risks if risk.id == "model-removed"] == [accepted]
        assert bool(risks[-1].accepted) == bool(accepted)


def test_a_new_environment_has_its_own_risks() -> None:
    """Nothing can be lost yet, but a door can be open from the start."""
    (world,) = (each for each in PREPARED if each.name == "open to the world")
    assert "open-endpoint" in {risk.id for risk in judge(Subject(None, world.after, ()))}
    assert not judge(Subject(None, PREPARED[0].before, ()))


def test_the_page_is_made_from_the_rules() -> None:
    """Everybody who reads an id in a plan finds it in docs/risks.md."""
    page = Path(__file__).parents[3] / "docs" / "risks.md"
    assert page.read_text() == reference.document()
