"""The check that a model fits, against what others published of the same model on the same GPUs."""

import pytest

from tests.unit.environment.published import PAGE, Case, cases, page, verdict

CASES = cases()
MOST_WRONG = 0.1


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.model}-{case.on}")
def test_the_verdict_is_the_one_told(case: Case) -> None:
    """The published one, or the one of `ours`: a check that becomes better has its entry corrected."""
    assert verdict(case) == case.expected


def test_there_are_enough_of_both() -> None:
    """Twenty at least, and about as many that fit as that don't: a check that always says one is seen."""
    published = [case.published for case in CASES]
    assert len(published) >= 20
    assert 0.4 <= published.count("fits") / len(published) <= 0.6


def test_nine_of_ten_are_right() -> None:
    """By what was published and not by what we say of it."""
    wrong = [case for case in CASES if verdict(case) != case.published]
    assert len(wrong) <= MOST_WRONG * len(CASES)


def test_what_is_wrong_is_explained() -> None:
    """Above all an out-of-memory that is called a fit; and nothing right is called wrong."""
    for case in CASES:
        assert bool(case.ours) == bool(case.because)
        assert case.ours != case.published


def test_what_would_run_is_never_refused() -> None:
    """A guess may let through what fails, and the engine says so; it may not forbid what works."""
    assert not [case for case in CASES if case.published == "fits" and verdict(case) != "fits"]


def test_every_case_can_be_looked_up() -> None:
    """Each has the address of its source."""
    assert all(case.source.startswith("https://") and case.note for case in CASES)


def test_the_page_has_the_table() -> None:
    """docs/fit.md shows today's verdicts; `python -m tests.unit.environment.published` renews it."""
    assert page(PAGE.read_text()) == PAGE.read_text()
