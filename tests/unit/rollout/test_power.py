"""The note that tells how long a step would have to bake."""

import pytest

from infra.rollout.power import needed_samples, power_notes
from infra.rollout.types import Step
from tests.fakes.cluster import a_plan


def test_smaller_changes_need_more_requests() -> None:
    """From 1 to 2 percent takes more than from 1 to 5."""
    assert needed_samples(0.01, 0.02) > 3 * needed_samples(0.01, 0.05)


def test_errors_must_rise() -> None:
    """A change to the better is no question for a gate."""
    with pytest.raises(ValueError, match="can't rise"):
        needed_samples(0.02, 0.02)


def test_little_traffic_is_told_with_the_time_it_needs() -> None:
    """At three requests a minute no step of minutes sees anything; how long it would take is told."""
    plan = a_plan(steps=(Step(weight=50, bake=300.0), Step(weight=100, bake=300.0)))
    notes = power_notes(plan, 3 / 60, 0.05)
    assert len(notes) == 2
    assert notes[0].startswith("at 3 requests/min the step at 50 % needs")
    assert "a doubled error rate" in notes[0]
    assert "it bakes 5 minutes" in notes[0]


def test_enough_traffic_needs_no_note() -> None:
    """Two hundred requests a second are plenty."""
    plan = a_plan(steps=(Step(weight=50, bake=300.0), Step(weight=100, bake=300.0)))
    assert power_notes(plan, 200.0, 0.001) == ()


def test_no_traffic_is_told_once() -> None:
    """With what would help."""
    (note,) = power_notes(a_plan(), 0.0, 0.0)
    assert "replay" in note
