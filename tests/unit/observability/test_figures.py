"""Figures as data: what is shown, of what, and what is left out."""

import re
from dataclasses import replace

import msgspec
import pytest

from infra.agent import catalogue
from infra.engines import registry
from infra.environment.model import Engine, Environment, Instances, Price
from infra.environment.monitoring import Monitoring
from infra.environment.slots import Slot
from infra.observability.alarms import alarms
from infra.observability.figures import Serving, environment_figures, figures, releases_over_time
from infra.observability.measured import measured
from infra.observability.queries import queries
from infra.observability.types import Figure, Line, Term
from tests.fakes.environments import model, two_models
from tests.fakes.metrics import SOURCES

PRICED = Instances(types=("g5.xlarge",), zones=("us-east-1a",), price=Price(on_demand=1.0, spot=0.25))
SIMULATOR = Engine(name="simulator", version="1")
_WORD = re.compile(r"\b[a-z]\w*\b")
_STATISTICS = re.compile("Sum|Average|Maximum|Minimum|SampleCount|p[0-9]+")


def environment(**changes: object) -> Environment:
    """`chat`, changed so."""
    return replace_model(two_models(), model(**changes))


def replace_model(environment: Environment, chat: object) -> Environment:
    """The environment with another `chat`."""
    return msgspec.structs.replace(environment, models={**environment.models, "chat": chat})


def all_figures() -> list[Figure]:
    """Of a model, of a release and of an environment that tells everything."""
    rich = environment(engine=SIMULATOR, instances=PRICED)
    return [
        *figures(rich, "chat", SOURCES),
        *figures(rich, "chat", SOURCES, release=Serving(Slot.GREEN, 7)),
        *environment_figures(rich, dict.fromkeys(rich.models, SOURCES)),
    ]


def by_id(found: tuple[Figure, ...]) -> dict[str, Figure]:
    """Figures by id, which are unique."""
    assert len({figure.id for figure in found}) == len(found)
    return {figure.id: figure for figure in found}


def test_a_model_has_a_figure_for_everything_that_its_engine_tells() -> None:
    """With readings and a price nothing is missing; the page and the terminal rely on these ids."""
    found = by_id(figures(environment(engine=SIMULATOR, instances=PRICED), "chat", SOURCES))
    assert set(found) >= {
        "requests",
        "error_rate",
        "errors",
        "latency",
        "ttft",
        "tpot",
        "tokens",
        "load",
        "response_time",
        "share",
        "replicas",
        "cost",
        "cost_per_million",
        "cold_start",
        "spot_notices",
        "failures",
    }


def test_an_engine_that_tells_nothing_leaves_what_the_balancer_counts() -> None:
    """An empty chart would say "no traffic" where it means "not measured"."""
    silent = Engine(name="openai", version="1", image="example/image")
    found = by_id(figures(environment(engine=silent), "chat", SOURCES))
    assert {"requests", "error_rate", "response_time", "replicas", "failures"} <= set(found)
    assert not {"latency", "ttft", "tpot", "tokens", "load", "cost"} & set(found)


def test_a_release_is_told_apart_by_its_dimensions() -> None:
    """Every term of a release's figures names slot and release: nothing of another one gets in."""
    rich = environment(engine=SIMULATOR)
    found = figures(rich, "chat", SOURCES, release=Serving(Slot.GREEN, 7))
    assert {"requests", "error_rate", "latency", "ttft", "tokens", "load"} <= set(by_id(found))
    for term in terms(found):
        assert dict(term.dimensions) == {
            "environment": "test",
            "model": "chat",
            "slot": "green",
            "release": "7",
        }


def terms(found: tuple[Figure, ...] | list[Figure]) -> list[Term]:
    """All terms of all lines."""
    return [term for figure in found for line in figure.lines for term in line.terms]


def test_lines_are_whole() -> None:
    """Expressions name exactly their terms; what is no expression is a single term; statistics are known."""
    for figure in all_figures():
        assert len({line.label for line in figure.lines}) == len(figure.lines), figure.id
        for line in figure.lines:
            ids = {term.id for term in line.terms}
            assert len(ids) == len(line.terms)
            if line.expression is None:
                assert len(ids) == 1, line
            else:
                assert set(_WORD.findall(line.expression)) == ids, line
            assert all(_STATISTICS.fullmatch(term.statistic) for term in line.terms)


def test_replicas_publish_what_figures_ask_them_for() -> None:
    """A term of ours is in the catalogue, on the level that its dimensions are."""
    for term in terms(all_figures()):
        if term.namespace == catalogue.NAMESPACE:
            metric = catalogue.METRICS[term.name]
            assert tuple(name for name, _ in term.dimensions) in {each.value for each in metric.levels}


def test_without_a_price_there_is_no_cost() -> None:
    """A cost of zero would be a lie."""
    found = by_id(figures(environment(engine=SIMULATOR), "chat", SOURCES))
    assert not {"cost", "cost_per_million"} & set(found)


def test_cost_counts_each_market_at_its_price() -> None:
    """Spot and on-demand replicas of both slots, each at the price of its market."""
    (line,) = by_id(figures(environment(instances=PRICED), "chat", SOURCES))["cost"].lines
    assert line.expression == ("(blue_spot+green_spot)*0.25+(blue_on_demand+green_on_demand)*1.0")


def test_an_environment_compares_the_models_that_are_deployed() -> None:
    """A line for each model with sources, labelled by its name; what the balancer answers is told once."""
    found = by_id(environment_figures(environment(), {"chat": SOURCES}))
    assert [line.label for line in found["requests"].lines] == ["chat"]
    assert [line.label for line in found["balancer_errors"].lines] == ["5xx", "4xx"]
    assert environment_figures(environment(), {}) == ()


def test_releases_are_searched_for() -> None:
    """A dashboard shows releases that are made after it."""
    (line,) = releases_over_time(environment(engine=SIMULATOR), "chat").lines
    assert line.expression == (
        'SEARCH(\'{llmctl,environment,model,slot,release} MetricName="Requests" '
        'environment="test" model="chat"\', \'Sum\', 60)'
    )


@pytest.mark.parametrize(("engine", "metric"), [("llama.cpp", "GeneratedTokens"), ("openai", None)])
def test_releases_are_told_apart_by_what_the_engine_tells(engine: str, metric: str | None) -> None:
    """llama.cpp counts no requests, but tokens; an image of which nothing is known has no such figure."""
    silent = Engine(name=engine, version="1", image="example/image")  # type: ignore[arg-type]
    lines = releases_over_time(environment(engine=silent), "chat").lines
    assert [f'MetricName="{metric}"' in (line.expression or "") for line in lines] == [True] * bool(metric)


def test_what_an_agent_knows_itself_needs_no_engine() -> None:
    """Failures and cold starts are there for every engine; the GPU only where there is one."""
    launch = replace(registry.launch(environment(), "chat"), readings=(), gpus=False)
    found = measured(launch)
    assert {"Heartbeat", "EngineFailures", "SpotNotices", "ColdStart"} <= found
    assert not {"GpuUse", "Requests", "ColdStartFirstToken", "BatchOccupancy"} & found
    assert "GpuUse" in measured(replace(launch, gpus=True))


def test_a_proxy_tells_times_of_any_engine() -> None:
    """llama.cpp has no times: timed by the proxy it has figures and alarms of them; nothing counts twice."""
    silent = Engine(name="llama.cpp", version="server")
    mute = environment(engine=silent)
    timed = msgspec.structs.replace(mute, monitoring=Monitoring(times="proxy"))
    added = {each.id for each in figures(timed, "chat", SOURCES)} - {
        each.id for each in figures(mute, "chat", SOURCES)
    }
    assert added == {"latency", "ttft", "tpot"}
    kinds = {each.kind for each in alarms(timed, "chat", SOURCES)}
    assert kinds - {each.kind for each in alarms(mute, "chat", SOURCES)} == {"ttft"}
    (latency,) = (each for each in alarms(timed, "chat", SOURCES) if each.kind == "latency")
    assert {term.name for term in latency.line.terms} == {"Latency"}
    rich = msgspec.structs.replace(environment(engine=SIMULATOR), monitoring=Monitoring(times="proxy"))
    launch = registry.launch(rich, "chat")
    assert not {reading.metric for reading in launch.readings} & catalogue.TIMED
    assert (launch.port, launch.engine_port, launch.timed) == (8000, 8001, True)


def term(id_: str, name: str, namespace: str = "llmctl") -> Term:
    """A term over nothing in particular."""
    return Term(id=id_, namespace=namespace, name=name, dimensions=(), statistic="Sum")


def test_shared_terms_are_asked_for_once() -> None:
    """CloudWatch bills each metric that is read; ids are made unique, whatever the lines called them."""
    one = Line(label="a", terms=(term("x", "One"),))
    two = Line(label="b", terms=(term("x", "Two"), term("y", "One")), expression="x/y+PERIOD(x)")
    found = queries([one, two], 60)
    assert [(query.id, query.shown) for query in found.all()] == [("m0", True), ("m1", False), ("e0", True)]
    assert found.all()[2].expression == "m1/m0+PERIOD(m1)"
    assert [(line.label, query.id) for line, query in found.answers()] == [("a", "m0"), ("b", "e0")]


@pytest.mark.parametrize(("namespace", "period"), [("llmctl", 10), ("AWS/ApplicationELB", 60)])
def test_aws_own_metrics_have_no_period_below_a_minute(namespace: str, period: int) -> None:
    """Ten seconds of a metric that comes each minute would be five gaps and a peak."""
    (query,) = queries([Line(label="", terms=(term("x", "One", namespace),))], 10).all()
    assert query.period == period
