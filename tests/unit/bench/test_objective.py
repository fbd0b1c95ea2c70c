"""What a user is promised."""

import pytest

from infra.bench.objective import Measure, Objective, parse
from infra.bench.sample import Kind, Sample

GOOD = Sample(
    scheduled=1.0, sent=1.4, first_token=1.5, last_token=2.5, finished=2.6, chunks=11, completion_tokens=11
)


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("ttft=500ms", Objective(Measure.TTFT, 0.5)),
        ("e2e=2s", Objective(Measure.E2E, 2.0)),
        ("tpot=12.5ms", Objective(Measure.TPOT, 0.0125)),
    ],
)
def test_objectives_are_a_measure_and_a_time(text: str, objective: Objective) -> None:
    """Milliseconds or seconds."""
    assert parse(text) == objective


@pytest.mark.parametrize("text", ["ttft", "ttft=5", "ttft=5m", "p99=5ms", "ttft=-5ms", "ttft=5ms "])
def test_other_texts_are_no_objectives(text: str) -> None:
    """An objective that was misread would be met by everyone."""
    with pytest.raises(ValueError, match="is not like"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("ttft=500ms", True),
        ("ttft=400ms", False),
        ("tpot=100ms", True),
        ("tpot=99ms", False),
        ("e2e=1s", False),
    ],
)
def test_times_count_from_the_schedule(text: str, *, met: bool) -> None:
    """A user who waited 0.4 s for our generator or a queue has waited."""
    assert parse(text).met(GOOD) is met


def test_a_failure_meets_nothing() -> None:
    """However quick it was."""
    failed = Sample(scheduled=1.0, sent=1.0, finished=1.001, failure=Kind.RESET)
    assert not parse("e2e=10s").met(failed)
