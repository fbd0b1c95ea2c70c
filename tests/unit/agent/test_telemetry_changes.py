"""What happened between two looks at a page: never negative, never doubled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.agent.config import Reading
from infra.agent.telemetry.changes import Changes
from infra.agent.telemetry.exposition import parse
from infra.agent.telemetry.tally import Tally
from tests.unit.agent.pages import launch, page


def look(changes: Changes, text: str, generation: int = 1) -> Tally:
    """Take note of a page."""
    return changes.look(parse(text), generation)


def test_first_page_of_a_started_engine_counts_from_zero() -> None:
    """Requests between the start of the engine and the first scrape are requests."""
    changes = Changes(launch())
    assert look(changes, page(requests={"200": 3})).counts["Requests"] == 3
    assert look(changes, page(requests={"200": 5})).counts["Requests"] == 2


def test_first_page_of_an_engine_that_ran_before_is_only_the_baseline() -> None:
    """An agent that finds an engine at work must not publish its whole past as now."""
    changes = Changes(launch())
    assert look(changes, page(requests={"200": 1000}), 0).counts["Requests"] == 0
    assert look(changes, page(requests={"200": 1001}), 0).counts["Requests"] == 1


def test_a_new_series_counts_from_zero() -> None:
    """The first error ever makes the series of errors appear: it is one error."""
    changes = Changes(launch())
    look(changes, page(requests={"200": 3}))
    found = look(changes, page(requests={"200": 3, "500": 1}))
    assert (found.counts["Requests"], found.counts["ServerErrors"]) == (1, 1)


def test_errors_are_zero_before_the_first_one() -> None:
    """An alarm on a share of errors needs zeros, not missing data."""
    assert look(Changes(launch()), page(requests={"200": 3})).counts["ServerErrors"] == 0


def test_a_series_left_out_once_does_not_count_again() -> None:
    """Pages made by several processes lose series for a moment."""
    changes = Changes(launch())
    look(changes, page(requests={"200": 3}))
    look(changes, page())
    assert look(changes, page(requests={"200": 3})).counts["Requests"] == 0


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=6), min_size=1, max_size=5), st.booleans())
def test_restarts_lose_and_double_nothing(lives: list[list[int]], known: bool) -> None:
    """The published sum is what all engines did, as far as it was ever seen.

    A restart that the agent doesn't know of shows in a value that fell.
    """
    changes, published, expected = Changes(launch()), 0.0, 0
    value = 0
    for number, steps in enumerate(lives):
        last, value = value, 0
        for index, step in enumerate(steps):
            value += step
            if not known and number and index == 0 and value >= last:
                value = last + step  # not to be told from an engine that went on
                expected -= last
            generation = number + 1 if known else 1
            published += look(changes, page(requests={"200": value}), generation).counts["Requests"]
        expected += value
    assert published == expected


def test_a_known_restart_counts_from_zero_even_above_the_old_value() -> None:
    """A busy engine may pass its predecessor before the next scrape."""
    changes = Changes(launch())
    look(changes, page(requests={"200": 10}), 1)
    assert look(changes, page(requests={"200": 12}), 2).counts["Requests"] == 12


def test_gauges_add_up_and_shares_are_averaged() -> None:
    """Two halves of an engine hold the sum of requests, but not two full caches."""
    text = (
        page(running=3, waiting=2)
        + '# TYPE cache_share gauge\ncache_share{e="0"} 0.2\ncache_share{e="1"} 0.6\n'
    )
    found = look(Changes(launch()), text)
    assert dict(found.last("InFlight")) == {5: 1}
    assert dict(found.last("Queued")) == {2: 1}
    assert dict(found.last("KvCacheUse")) == {40: 1}


def test_times_are_the_new_ones_in_seconds() -> None:
    """Only what happened since the last look, in our unit, with its true mean."""
    changes = Changes(launch())
    look(changes, page(latency_ms=({"100": 5, "500": 5, "+Inf": 5}, 300)))
    found = look(changes, page(latency_ms=({"100": 6, "500": 8, "+Inf": 8}, 1250)))
    values = found.last("Latency")
    assert sum(values.values()) == 3
    assert sum(value * count for value, count in values.items()) == pytest.approx(0.95)
    assert found.histograms["Latency"].total == pytest.approx(0.95)
    assert sum(found.histograms["Latency"].buckets.values()) == 3


def test_no_new_times_publish_nothing() -> None:
    """An idle engine has no latency, not a latency of zero."""
    changes = Changes(launch())
    text = page(latency_ms=({"100": 5, "+Inf": 5}, 300))
    look(changes, text)
    found = look(changes, text)
    assert not found.last("Latency")
    assert "Latency" not in found.histograms


def test_an_older_name_is_read_only_without_the_newer() -> None:
    """Versions that have both would count everything twice."""
    readings = (
        Reading(metric="Requests", sample="new_total"),
        Reading(metric="Requests", sample="old_total", unless="new_total"),
    )
    old = "# TYPE old_total counter\nold_total 3\n"
    # The newer counter has no series before its first event, but is announced.
    both = old + "# TYPE new_total counter\n"
    assert look(Changes(launch(readings=readings)), old).counts["Requests"] == 3
    assert look(Changes(launch(readings=readings)), both).counts["Requests"] == 0
    assert look(Changes(launch(readings=readings)), both + "new_total 2\n").counts["Requests"] == 2
