"""Datapoints in memory: statistics over them, percentiles, and what is forgotten when."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.embedded.aws.cloudwatch import statistics
from infra.embedded.aws.cloudwatch.store import SECONDS_KEPT, Store, Summary, key, statistic_set

_KEY = key("test", "latency", {})


def _summary(*samples: float) -> Summary:
    summary = Summary()
    for sample in samples:
        summary.add(sample, 1.0)
    return summary


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), min_size=1, max_size=6))
def test_merged_summaries_are_those_of_all_samples(batches: list[list[float]]) -> None:
    """However samples arrive, count, bounds and weighted values are those of all of them."""
    merged, everything = Summary(), [sample for batch in batches for sample in batch]
    for batch in batches:
        merged.merge(_summary(*batch))
    assert merged.count == len(everything)
    assert (merged.low, merged.high) == (min(everything), max(everything))
    assert merged.total == pytest.approx(sum(everything), abs=1e-3)
    assert merged.values == {sample: everything.count(sample) for sample in everything}


def test_percentiles_are_over_weighted_values() -> None:
    """A value seen 98 times weighs 98."""
    assert statistics.percentile({1.0: 98.0, 5.0: 1.0, 9.0: 1.0}, 0.5) == 1.0
    assert statistics.percentile({1.0: 1.0, 2.0: 1.0, 3.0: 1.0, 4.0: 1.0}, 0.5) == 2.5
    assert statistics.percentile({1.0: 98.0, 5.0: 1.0, 9.0: 1.0}, 1.0) == 9.0


@pytest.mark.parametrize(("low", "high", "expected"), [(1.0, 3.0, None), (2.0, 2.0, 2.0)])
def test_statistic_sets_have_percentiles_only_with_equal_bounds(
    low: float, high: float, expected: float | None
) -> None:
    """Documented under "Percentiles": without values, only if Min equals Max (or there is one sample)."""
    assert statistics.value(statistic_set(3, 6, low, high), "p90") == expected


@pytest.mark.parametrize("statistic", ["p101", "tm99", "Median", "p"])
def test_unknown_statistic_is_refused(statistic: str) -> None:
    """What can't be computed is said."""
    with pytest.raises(statistics.UnknownStatisticError):
        statistics.check(statistic)


def test_late_datapoint_lands_in_its_own_second() -> None:
    """Order of arrival does not matter."""
    store = Store()
    for at in (30.2, 10.0, 20.0, 10.9):
        store.put(_KEY, "None", at, _summary(at))
    (series,) = store.series(_KEY)
    assert [second for second, _ in series.between(10, 30)] == [10, 20]
    assert series.summaries[10].count == 2


def test_old_seconds_become_minutes_and_end_after_a_day() -> None:
    """Statistics survive the merge; memory is bounded by age."""
    store = Store()
    for second in range(120):
        store.put(_KEY, "None", float(second), _summary(float(second % 60)))
    store.compact(SECONDS_KEPT + 200.0)
    (series,) = store.series(_KEY)
    assert [(at, summary.count, summary.high) for at, summary in series.between(0, 1e9)] == [
        (0, 60, 59),
        (60, 60, 59),
    ]
    store.compact(90_000.0)
    assert store.metrics() == []


def test_many_datapoints_are_merged_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the budget seconds older than a few minutes are merged, newer ones stay."""
    monkeypatch.setattr("infra.embedded.aws.cloudwatch.store._SUMMARIES", 500)
    store, pick = Store(), random.Random(1)
    for second in range(3600):
        store.put(_KEY, "None", float(second), _summary(pick.random()))
    store.compact(3600.0)
    (series,) = store.series(_KEY)
    assert len(series.times) < 500
    assert sum(summary.count for _, summary in series.between(0, 4000)) == 3600
    assert len(list(series.between(3300, 3600))) == 300
