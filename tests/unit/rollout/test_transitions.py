"""The table of transitions is the whole truth: what people read is what the policy does."""

from pathlib import Path

from infra.rollout.transitions import TRANSITIONS, meanings, text
from infra.rollout.types import Phase

PAGE = Path(__file__).parents[3] / "docs" / "rollouts.md"


def test_the_page_has_what_the_code_says() -> None:
    """docs/rollouts.md is regenerated when phases or transitions change."""
    page = PAGE.read_text()
    begin = page.index("-->", page.index("<!-- generated:")) + len("-->\n")
    assert page[begin : page.index("<!-- end -->")] == text()


def test_every_phase_is_explained() -> None:
    """Each has a line of meaning."""
    assert set(meanings()) == set(Phase)
    assert all(len(meaning) > 10 for meaning in meanings().values())


def test_every_phase_can_be_left_and_reached() -> None:
    """No dead ends but the two ends, and nothing out of reach."""
    assert {each.before for each in TRANSITIONS} == {phase for phase in Phase if not phase.ended}
    assert {each.after for each in TRANSITIONS} == set(Phase) - {Phase.PREPARING}
