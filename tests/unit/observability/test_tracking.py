"""What target tracking follows: words of the file, spelt out in metric math."""

import re

import pytest

from infra.embedded.aws.cloudwatch import expressions
from infra.embedded.aws.cloudwatch.values import TimeSeries
from infra.environment.model import Scaling
from infra.environment.slots import Slot
from infra.observability.tracking import tracked
from infra.observability.types import Line
from tests.fakes.metrics import SOURCES


def line(**scaling: object) -> Line | None:
    """What the blue slot of `chat` would track."""
    return tracked("test", "chat", Scaling(target=1, **scaling), Slot.BLUE, SOURCES)  # type: ignore[arg-type]


def test_requests_per_replica_is_predefined() -> None:
    """AWS knows that metric itself; it is also the default."""
    assert line() is None
    assert line(metric="requests_per_replica") is None


@pytest.mark.parametrize(("metric", "name"), [("concurrency", "InFlight"), ("queue_depth", "Queued")])
def test_gauges_are_averages_over_the_slots_replicas(metric: str, name: str) -> None:
    """An average over what each replica says is per replica, and of this slot alone."""
    found = line(metric=metric)
    assert found
    (term,) = found.terms
    assert (term.name, term.statistic, found.expression) == (name, "Average", None)
    assert dict(term.dimensions) == {"environment": "test", "model": "chat", "slot": "blue"}


def test_tokens_are_a_rate_by_replicas() -> None:
    """Tokens of a minute, by sixty seconds, by the replicas of both markets."""
    found = line(metric="tokens_per_second")
    assert found
    replicas = "SUM([replicas_spot, replicas_on_demand])"
    assert found.expression == (
        f"IF(tokens_generated >= 0 AND {replicas} > 0, (tokens_generated / 60) / {replicas})"
    )
    assert [term.id for term in found.terms] == ["tokens_generated", "replicas_spot", "replicas_on_demand"]


@pytest.mark.parametrize(
    "expression",
    [
        "(in_flight + 2 * queued) / replicas",
        "MAX([in_flight, queued])/replicas",
        "requests / replicas",
        "tokens",
    ],
)
def test_an_expression_uses_only_its_terms(expression: str) -> None:
    """Each term that is spelt is given, and none that isn't; functions stay what they are."""
    found = line(expression=expression)
    assert found
    assert found.expression
    assert set(re.findall(r"\b[a-z]\w*", found.expression)) == {term.id for term in found.terms}
    assert ("MAX([" in found.expression) == ("MAX" in expression)


def test_words_stand_for_the_whole_slot() -> None:
    """Replicas say what each has; the slot's sum is their average times how many they are."""
    found = line(expression="queued")
    assert found
    assert found.expression
    assert found.expression.endswith(", (queued_each * SUM([replicas_spot, replicas_on_demand])))")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"in_flight_each": 6.0, "queued_each": 1.0, "replicas_spot": 2.0, "replicas_on_demand": 1.0}, 8.0),
        ({"in_flight_each": 6.0, "replicas_spot": 2.0, "replicas_on_demand": 1.0}, None),
        ({"replicas_spot": 2.0, "replicas_on_demand": 1.0}, None),
        ({"in_flight_each": 6.0, "queued_each": 1.0}, None),
        ({"in_flight_each": 6.0, "queued_each": 1.0, "replicas_spot": 2.0}, 8.0),
    ],
)
def test_what_is_not_told_takes_no_replica_away(values: dict[str, float], expected: float | None) -> None:
    """Metric math counts missing values as zero: an outage of metrics must be no value, and not idleness."""
    found = line(expression="(in_flight + 2 * queued) / replicas")
    assert found
    assert found.expression
    series = {
        term.id: TimeSeries({0.0: values[term.id]} if term.id in values else {}) for term in found.terms
    }
    result = expressions.evaluate(found.expression, series, series, (0.0,), lambda *_: [])
    assert isinstance(result, TimeSeries)
    assert result.points.get(0.0) == expected


def test_no_requests_is_a_value() -> None:
    """The balancer reports what it counts: without requests nothing is to do, and replicas may go."""
    found = line(expression="requests / replicas")
    assert found
    assert found.expression
    series = {
        "requests": TimeSeries(),
        "replicas_spot": TimeSeries({0.0: 3.0}),
        "replicas_on_demand": TimeSeries({0.0: 0.0}),
    }
    result = expressions.evaluate(found.expression, series, series, (0.0,), lambda *_: [])
    assert isinstance(result, TimeSeries)
    assert result.points == {0.0: 0.0}
