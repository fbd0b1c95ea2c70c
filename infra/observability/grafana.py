"""Figures -> Grafana dashboards over its CloudWatch data source, for teams that look there.

Made from the environment file alone: what AWS names (balancer, target groups) the dashboard looks up itself,
in hidden variables. A slot that never had a replica can't be found so, and its lines are empty until then.
"""

from collections.abc import Sequence
from typing import Any

from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.observability.figures import environment_figures, figures, releases_over_time
from infra.observability.lines import ELB
from infra.observability.queries import Query, queries
from infra.observability.types import Figure, Sources, Unit

SCHEMA_VERSION = 39
"""Of Grafana 10.3 and later; newer ones migrate it when they load it."""
_SOURCE = {"type": "cloudwatch", "uid": "${datasource}"}
_COLUMNS, _WIDTH, _HEIGHT = 3, 8, 8
_PERIOD = 60
_UNITS = {
    Unit.COUNT: "short",
    Unit.PER_SECOND: "short",
    Unit.SECONDS: "s",
    Unit.PERCENT: "percent",
    Unit.DOLLARS: "currencyUSD",
}
_SEARCH = 0
_BUILDER, _CODE = 0, 1


def grafana_dashboards(environment: Environment) -> dict[str, dict[str, Any]]:
    """The dashboard of the environment and of each model, by name, ready to import."""
    name = environment.environment
    sources = {model: _variables_as_sources(name, model) for model in environment.models}
    found = {
        names.dashboard(name): _dashboard(
            environment, None, environment_figures(environment, sources), list(environment.models)
        )
    }
    for model in environment.models:
        shown = (*figures(environment, model, sources[model]), releases_over_time(environment, model))
        found[names.dashboard(name, model)] = _dashboard(environment, model, shown, [model])
    return found


def _dashboard(
    environment: Environment, model: str | None, shown: Sequence[Figure], models: Sequence[str]
) -> dict[str, Any]:
    name, region = environment.environment, environment.provider.region
    return {
        "uid": names.fit(names.dashboard(name, model), 40),
        "title": " / ".join(part for part in ("llmctl", name, model) if part),
        "tags": ["llmctl", name],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "timezone": "",
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-3h", "to": "now"},
        "annotations": {"list": []},
        "links": [_links(name)],
        "templating": {"list": _variables(name, region, models)},
        "panels": [
            _panel(figure, place, region) for place, figure in enumerate(each for each in shown if each.lines)
        ],
    }


def _links(environment: str) -> dict[str, Any]:
    return {
        "title": environment,
        "type": "dashboards",
        "tags": ["llmctl", environment],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": True,
    }


def _panel(figure: Figure, place: int, region: str) -> dict[str, Any]:
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": figure.title,
        "datasource": _SOURCE,
        "gridPos": {
            "x": place % _COLUMNS * _WIDTH,
            "y": place // _COLUMNS * _HEIGHT,
            "w": _WIDTH,
            "h": _HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": _UNITS[figure.unit], "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
        "targets": [_target(query, region) for query in queries(figure.lines, _PERIOD).all()],
    }


def _target(query: Query, region: str) -> dict[str, Any]:
    term = query.term
    return {
        "refId": query.id,
        "id": query.id,
        "datasource": _SOURCE,
        "queryMode": "Metrics",
        "metricQueryType": _SEARCH,
        "metricEditorMode": _BUILDER if term else _CODE,
        "region": region,
        "namespace": term.namespace if term else "",
        "metricName": term.name if term else "",
        "dimensions": dict(term.dimensions) if term else {},
        "matchExact": True,
        "statistic": term.statistic if term else "Average",
        "period": str(query.period),
        "expression": query.expression or "",
        "label": query.label,
        "hide": not query.shown,
    }


def _variables_as_sources(environment: str, model: str) -> Sources:
    return Sources(
        balancer="${balancer}",
        target_groups={slot: f"${{{_variable_name(model, slot)}}}" for slot in Slot},
        groups={
            (slot, market): names.group(environment, model, slot, market)
            for slot in Slot
            for market in Market
        },
    )


def _variable_name(model: str, slot: Slot) -> str:
    return f"{model.replace('-', '_')}_{slot}"


def _variables(environment: str, region: str, models: Sequence[str]) -> list[dict[str, Any]]:
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "cloudwatch"}
    balancer = _looked_up("balancer", region, "LoadBalancer", f"app/{names.balancer(environment)}/")
    slots = [
        _looked_up(
            _variable_name(model, slot),
            region,
            "TargetGroup",
            f"targetgroup/{names.target_group(environment, model, slot)}/",
        )
        for model in models
        for slot in Slot
    ]
    return [source, balancer, *slots]


def _looked_up(variable: str, region: str, dimension: str, prefix: str) -> dict[str, Any]:
    """A hidden variable with the value of a dimension that begins so."""
    return {
        "name": variable,
        "type": "query",
        "hide": 2,
        "datasource": _SOURCE,
        "query": {
            "queryType": "dimensionValues",
            "region": region,
            "namespace": ELB,
            "metricName": "HealthyHostCount",
            "dimensionKey": dimension,
            "dimensionFilters": {},
            "refId": f"variable-{variable}",
        },
        "regex": f"/^{prefix.replace('/', chr(92) + '/')}.*/",
        "refresh": 1,
        "includeAll": False,
        "multi": False,
    }
