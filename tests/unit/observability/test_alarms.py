"""Alarms as data: within CloudWatch's limits, explained, and asked for by the file."""

import re
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.environment.model import Engine, Environment, Instances, Price, Replicas
from infra.environment.monitoring import Alarms, Monitoring
from infra.observability.alarms import alarm_name, alarms, composites, environment_alarms, rule
from infra.observability.types import Alarm, Missing
from tests.fakes.environments import model, two_models
from tests.fakes.metrics import SOURCES

_OFF = Alarms(
    error_rate=None, latency_p95=None, ttft_p95=None, queued=None, capacity_short=None, spot_notices=None
)
_BENTO = Engine(name="bentoml", version="1", image="own/chat")
_MUTE = Engine(name="openai", version="1", image="own/chat")


def environment(*, budget: float | None = None, interval: str = "60s", **changes: object) -> Environment:
    """One model, `chat`, with sections replaced."""
    spec = model(**changes)
    monitoring = Monitoring(budget=budget, interval=interval)
    return msgspec.structs.replace(two_models(), models={"chat": spec}, monitoring=monitoring)


def priced(count: int, budget: float) -> Environment:
    """Models that cost differently."""
    models = {
        f"model{number}": model(
            instances=Instances(
                types=("g5.xlarge",), zones=("us-east-1a",), price=Price(on_demand=3.0 + number, spot=1.0)
            ),
            replicas=Replicas(min=1, max=4 + number),
        )
        for number in range(count)
    }
    return msgspec.structs.replace(two_models(), models=models, monitoring=Monitoring(budget=budget))


def of(kind: str, spec: Environment) -> Alarm:
    """The alarm of that kind of the model `chat`."""
    (found,) = [alarm for alarm in alarms(spec, "chat", SOURCES) if alarm.kind == kind]
    return found


def kinds(spec: Environment) -> set[str]:
    """Kinds of the model's alarms."""
    return {alarm.kind for alarm in alarms(spec, "chat", SOURCES)}


def everything() -> Iterator[Alarm]:
    """Alarms of environments of all sorts."""
    specs = [
        environment(),
        environment(engine=_MUTE),
        environment(engine=_BENTO),
        environment(replicas=Replicas(min=0, max=2, sleep_after="24h")),
        environment(alarms=Alarms(capacity_short="24h"), interval="5s"),
    ]
    for spec in specs:
        yield from alarms(spec, "chat", SOURCES)
        yield from environment_alarms(spec, {"chat": SOURCES})
    for count in (1, 2, 3, 7):
        spec = priced(count, 20)
        yield from environment_alarms(spec, dict.fromkeys(spec.models, SOURCES))


@pytest.mark.parametrize("alarm", [*everything()], ids=lambda alarm: f"{alarm.kind}{alarm.part}")
def test_alarms_are_what_cloudwatch_takes(alarm: Alarm) -> None:
    """Ten metrics, a day back, unique ids, and an expression over nothing but its own terms."""
    ids = [term.id for term in alarm.line.terms]
    assert len(set(ids)) == len(ids) <= 10
    assert all(re.fullmatch(r"[a-z]\w*", each) for each in ids)
    assert alarm.period_seconds * alarm.periods <= 86400
    assert 1 <= alarm.datapoints <= alarm.periods
    if alarm.line.expression is None:
        assert len(ids) == 1
    else:
        used = set(re.findall(r"\b[a-z]\w*", alarm.line.expression))
        assert used == set(ids)
        assert "SEARCH" not in alarm.line.expression
        assert len(alarm.line.expression) <= 1024
    assert len(alarm_name("a" * 20, alarm)) <= 255


@pytest.mark.parametrize("alarm", [*everything()], ids=lambda alarm: f"{alarm.kind}{alarm.part}")
def test_alarms_explain_themselves(alarm: Alarm) -> None:
    """Who is woken reads what is wrong, and why silence counts as it does."""
    assert alarm.meaning.endswith((".", "wrong."))
    assert alarm.why_missing
    assert not alarm.why_missing.endswith(".")


def test_alarms_of_an_engine_that_tells_everything() -> None:
    """VLLM has them all."""
    assert kinds(environment()) == {
        "no-healthy-replica",
        "errors",
        "latency",
        "ttft",
        "queue",
        "capacity-short",
        "spot-notices",
        "agent-silent",
        "metrics-missing",
        "engine-failing",
    }


def test_alarms_need_readings() -> None:
    """An engine that doesn't tell has no alarm that would never fire."""
    assert not kinds(environment(engine=_MUTE)) & {"ttft", "queue", "metrics-missing"}
    assert not kinds(environment(engine=_BENTO)) & {"ttft", "queue"}


def test_latency_without_readings_is_the_balancers() -> None:
    """The balancer knows how long an answer takes to begin, whatever the engine."""
    told, mute = of("latency", environment()), of("latency", environment(engine=_MUTE))
    assert [term.name for term in told.line.terms] == ["Latency"]
    assert {term.name for term in mute.line.terms} == {"TargetResponseTime"}
    assert {term.statistic for term in (*told.line.terms, *mute.line.terms)} == {"p95"}


def test_null_turns_an_alarm_off() -> None:
    """What the file doesn't want isn't there; what needs no threshold is."""
    assert kinds(environment(alarms=_OFF)) == {
        "no-healthy-replica",
        "agent-silent",
        "metrics-missing",
        "engine-failing",
    }


def test_thresholds_are_the_files() -> None:
    """Durations in seconds, rates in percent."""
    spec = environment(
        alarms=Alarms(
            error_rate=2.5, latency_p95="2m", ttft_p95="3s", queued=4, capacity_short="10m", spot_notices=5
        )
    )
    found = {alarm.kind: alarm.threshold for alarm in alarms(spec, "chat", SOURCES)}
    assert (
        found.items()
        >= {
            "errors": 2.5,
            "latency": 120,
            "ttft": 3,
            "queue": 4,
            "spot-notices": 5,
        }.items()
    )
    short = of("capacity-short", spec)
    assert (short.periods, short.datapoints, short.threshold) == (10, 10, 0)


def test_nobody_home_is_no_late_figure() -> None:
    """The balancer's silence is a zero, so it must outlast late figures; a new alarm is no outage."""
    alarm = of("no-healthy-replica", environment())
    assert (alarm.missing, alarm.periods, alarm.datapoints) == (Missing.IGNORE, 3, 3)


def test_a_model_that_may_sleep_has_the_time_of_a_cold_start() -> None:
    """Waking isn't an outage; a wake-up that takes longer than the file expects is."""
    zero = Replicas(min=0, max=2, sleep_after="10m")
    assert of("no-healthy-replica", environment(replicas=zero)).periods == 20
    spec = environment(replicas=zero, alarms=Alarms(capacity_short="5m"))
    assert of("no-healthy-replica", spec).periods == 5


@pytest.mark.parametrize(("interval", "beats"), [("60s", "1"), ("5s", "12"), ("20s", "3")])
def test_heartbeats_are_counted_by_the_interval(interval: str, beats: str) -> None:
    """An agent that publishes often is still one agent."""
    alarm = of("agent-silent", environment(interval=interval))
    assert alarm.line.expression
    assert alarm.line.expression.endswith(f"]) / {beats}")


def test_one_dead_engine_is_enough_to_be_seen() -> None:
    """A single failure fires, stays long enough to be noticed, and clears."""
    alarm = of("engine-failing", environment())
    assert (alarm.datapoints, alarm.threshold, alarm.fires_within) == (1, 1, 180)
    assert alarm.clears_within == 420


def test_composites_gather_what_belongs_together() -> None:
    """One outage is one message; slowness is no news while capacity is missing."""
    spec = environment()
    outage, slow = composites(spec, "chat", SOURCES)
    assert (
        rule("test", outage)
        == 'ALARM("llmctl-test-chat-no-healthy-replica") OR ALARM("llmctl-test-chat-errors")'
    )
    assert rule("test", slow) == (
        '(ALARM("llmctl-test-chat-latency") OR ALARM("llmctl-test-chat-ttft")'
        ' OR ALARM("llmctl-test-chat-queue"))'
        ' AND NOT (ALARM("llmctl-test-chat-no-healthy-replica") OR ALARM("llmctl-test-chat-capacity-short"))'
    )
    silent = {alarm.kind for alarm in alarms(spec, "chat", SOURCES) if not alarm.notifies}
    assert silent == {*outage.any_of, *slow.any_of}


def test_composites_name_only_what_exists() -> None:
    """CloudWatch refuses a rule over an alarm that the file turned off."""
    (outage,) = composites(environment(alarms=_OFF), "chat", SOURCES)
    assert (outage.any_of, outage.unless) == (("no-healthy-replica",), ())
    _, slow = composites(environment(alarms=Alarms(capacity_short=None)), "chat", SOURCES)
    assert slow.unless == ("no-healthy-replica",)


def test_the_balancers_own_errors() -> None:
    """502 and 504 belong to no target group; the strictest model's limit holds for all."""
    (alarm,) = environment_alarms(environment(alarms=Alarms(error_rate=1)), {"chat": SOURCES})
    assert (alarm.kind, alarm.threshold) == ("balancer-errors", 1)
    assert all(dict(term.dimensions).keys() == {"LoadBalancer"} for term in alarm.line.terms)
    assert environment_alarms(environment(alarms=_OFF), {"chat": SOURCES}) == ()


def test_a_budget_of_two_models_is_one_sum() -> None:
    """All instances of all groups, each at its market's price."""
    spec = priced(2, 20)
    (alarm,) = [
        each
        for each in environment_alarms(spec, dict.fromkeys(spec.models, SOURCES))
        if each.kind == "budget"
    ]
    assert (alarm.part, alarm.threshold, len(alarm.line.terms)) == ("", 20, 8)
    assert alarm.line.expression == (
        "SUM([model0_blue_spot, model0_green_spot]) * 1 + "
        "SUM([model0_blue_on_demand, model0_green_on_demand]) * 3 + "
        "SUM([model1_blue_spot, model1_green_spot]) * 1 + "
        "SUM([model1_blue_on_demand, model1_green_on_demand]) * 4"
    )


@given(count=st.integers(1, 9), budget=st.floats(1, 1000), data=st.data())
def test_no_budget_is_exceeded_unnoticed(count: int, budget: float, data: st.DataObject) -> None:
    """If all pairs keep their shares, the sum keeps the budget: so whoever exceeds it, some alarm fires."""
    spec = priced(count, budget)
    found = [
        alarm
        for alarm in environment_alarms(spec, dict.fromkeys(spec.models, SOURCES))
        if alarm.kind == "budget"
    ]
    assert len(found) == (count + 1) // 2
    assert len({alarm_name("test", alarm) for alarm in found}) == len(found)
    spent = [data.draw(st.floats(0, alarm.threshold)) for alarm in found]
    assert sum(spent) <= budget + 0.01 * len(found)


def test_a_budget_without_prices_is_refused() -> None:
    """The check of the file says it in words; nothing is compared with half a sum."""
    spec = environment(budget=5)
    with pytest.raises(ValueError, match="price"):
        environment_alarms(spec, {"chat": SOURCES})
