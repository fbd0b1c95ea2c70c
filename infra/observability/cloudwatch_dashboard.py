"""Figures -> the body of a CloudWatch dashboard (documented under "Dashboard body structure and syntax")."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.environment import names
from infra.environment.model import Environment
from infra.observability.figures import environment_figures, figures, releases_over_time
from infra.observability.queries import Query, queries
from infra.observability.types import Figure, Sources, Unit

_COLUMNS = 3
_WIDTH, _HEIGHT, _HEADER_HEIGHT = 8, 6, 3
_PERIOD = 60
_AXIS = {
    Unit.COUNT: "",
    Unit.PER_SECOND: "per second",
    Unit.SECONDS: "seconds",
    Unit.PERCENT: "%",
    Unit.DOLLARS: "US dollars",
}


def environment_dashboard(environment: Environment, sources: Mapping[str, Sources]) -> dict[str, Any]:
    """The body of an environment's dashboard: its models side by side."""
    name, region = environment.environment, environment.provider.region
    links = " | ".join(f"[{model}]({_link(names.dashboard(name, model))})" for model in sources)
    header = (
        f"# {name}\nModels: {links} | [alarms](#alarmsV2:?search={names.stack(name)})\n\n"
        f"`llmctl status --env {name}` shows the replicas by zone, "
        f"`llmctl events --env {name}` who changed what."
    )
    return {"widgets": _widgets(header, environment_figures(environment, sources), region)}


def model_dashboard(environment: Environment, model: str, sources: Sources) -> dict[str, Any]:
    """The body of a model's dashboard."""
    name, region = environment.environment, environment.provider.region
    spec = environment.models[model]
    logs = names.log_group(name, model).replace("/", "$252F")
    header = (
        f"# {model} in {name}\n[All models]({_link(names.dashboard(name))}) | "
        f"[logs](#logsV2:log-groups/log-group/{logs}) | "
        f"[alarms](#alarmsV2:?search={names.alarm(name, model, '')})\n\n"
        f"{spec.source}, {spec.engine.name} {spec.engine.version}, "
        f"{spec.replicas.min} to {spec.replicas.max} replicas"
    )
    shown = (*figures(environment, model, sources), releases_over_time(environment, model))
    return {"widgets": _widgets(header, shown, region)}


def environment_of(body: str) -> str:
    """The environment whose dashboard this is, by the last word of its title; empty for any other."""
    try:
        title: str = json.loads(body)["widgets"][0]["properties"]["markdown"].splitlines()[0]
    except (ValueError, LookupError, TypeError):
        return ""
    return title.rpartition(" ")[2]


def _link(dashboard: str) -> str:
    return f"#dashboards:name={dashboard}"


def _widgets(header: str, shown: Sequence[Figure], region: str) -> list[dict[str, Any]]:
    text = {
        "type": "text",
        "x": 0,
        "y": 0,
        "width": _COLUMNS * _WIDTH,
        "height": _HEADER_HEIGHT,
        "properties": {"markdown": header},
    }
    return [
        text,
        *(
            _widget(figure, place, region)
            for place, figure in enumerate(each for each in shown if each.lines)
        ),
    ]


def _widget(figure: Figure, place: int, region: str) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": place % _COLUMNS * _WIDTH,
        "y": _HEADER_HEIGHT + place // _COLUMNS * _HEIGHT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": {
            "title": figure.title,
            "region": region,
            "view": "timeSeries",
            "stacked": False,
            "period": _PERIOD,
            "metrics": [_metric(query) for query in queries(figure.lines, _PERIOD).all()],
            "yAxis": {"left": {"min": 0, "label": _AXIS[figure.unit], "showUnits": False}},
        },
    }


def _metric(query: Query) -> list[Any]:
    if query.term is None:
        options = {"id": query.id, "expression": query.expression, "label": query.label}
        return [{name: value for name, value in options.items() if value}]
    return [*_name(query), {"id": query.id, "stat": query.term.statistic, **_label(query)}]


def _name(query: Query) -> Iterator[str]:
    assert query.term is not None
    yield query.term.namespace
    yield query.term.name
    for dimension in query.term.dimensions:
        yield from dimension


def _label(query: Query) -> dict[str, Any]:
    return {"label": query.label} if query.shown else {"visible": False}
