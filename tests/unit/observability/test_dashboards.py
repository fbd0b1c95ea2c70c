"""Dashboards as documents: they hold together, for CloudWatch and for Grafana."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from infra.environment.model import Engine, Environment
from infra.observability.cloudwatch_dashboard import environment_dashboard, model_dashboard
from infra.observability.grafana import grafana_dashboards
from tests.fakes.environments import model, two_models
from tests.fakes.metrics import SOURCES

_WORD = re.compile(r"\b[me][0-9]+\b")


def environment() -> Environment:
    """Two models, one with a name that Grafana's variables can't have."""
    simulator = Engine(name="simulator", version="1")
    models = {"chat": model(engine=simulator), "two-words": model(engine=simulator)}
    return msgspec.structs.replace(two_models(), models=models)


def bodies() -> list[dict[str, Any]]:
    """All CloudWatch dashboards."""
    spec = environment()
    return [
        environment_dashboard(spec, dict.fromkeys(spec.models, SOURCES)),
        *(model_dashboard(spec, name, SOURCES) for name in spec.models),
    ]


def cells(places: Sequence[tuple[int, int, int, int]]) -> Iterator[tuple[int, int]]:
    """What rectangles (x, y, width, height) cover."""
    for x, y, width, height in places:
        yield from itertools.product(range(x, x + width), range(y, y + height))


@pytest.mark.parametrize("body", bodies(), ids=["environment", "chat", "two-words"])
def test_widgets_fit_and_hold_together(body: dict[str, Any]) -> None:
    """No widget overlaps another or leaves the 24 columns, and expressions find what they name."""
    places = [tuple(widget[key] for key in ("x", "y", "width", "height")) for widget in body["widgets"]]
    covered = list(cells(places))
    assert len(set(covered)) == len(covered)
    assert max(x for x, _ in covered) < 24
    header, *charts = body["widgets"]
    assert header["properties"]["markdown"].startswith("# ")
    for widget in charts:
        metrics = widget["properties"]["metrics"]
        ids = [metric[-1]["id"] for metric in metrics]
        assert len(set(ids)) == len(ids)
        assert any(metric[-1].get("visible", True) for metric in metrics)
        for metric in metrics:
            assert set(_WORD.findall(metric[-1].get("expression", ""))) <= set(ids)
    assert len(json.dumps(body)) < 100_000


def test_dashboards_link_to_each_other() -> None:
    """From the environment to each model and back, and to a model's logs."""
    first, chat, _ = (body["widgets"][0]["properties"]["markdown"] for body in bodies())
    assert "(#dashboards:name=llmctl-test-chat)" in first
    assert "(#dashboards:name=llmctl-test-two-words)" in first
    assert "(#dashboards:name=llmctl-test)" in chat
    assert "$252Fllmctl$252Ftest$252Fchat" in chat


def test_grafana_gets_what_its_schema_requires() -> None:
    """A dashboard for the environment and each model, with every field that an import needs."""
    found = grafana_dashboards(environment())
    assert list(found) == ["llmctl-test", "llmctl-test-chat", "llmctl-test-two-words"]
    for dashboard in found.values():
        assert {"uid", "title", "schemaVersion", "version", "time", "templating", "annotations"} <= set(
            dashboard
        )
        assert len(dashboard["uid"]) <= 40
        panels = dashboard["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        covered = list(cells([tuple(panel["gridPos"][key] for key in "xywh") for panel in panels]))
        assert len(set(covered)) == len(covered)
        for panel in panels:
            check_targets(panel["targets"])
        assert json.loads(json.dumps(dashboard)) == dashboard


def check_targets(targets: Sequence[dict[str, Any]]) -> None:
    """Ids are unique, expressions find what they name, and something is shown."""
    ids = [target["refId"] for target in targets]
    assert len(set(ids)) == len(ids)
    assert not all(target["hide"] for target in targets)
    for target in targets:
        assert target["id"] == target["refId"]
        assert bool(target["expression"]) != bool(target["metricName"])
        assert set(_WORD.findall(target["expression"])) <= set(ids)


def test_grafana_finds_what_aws_names() -> None:
    """Every variable that a panel uses is defined, and matches the names that Terraform gives."""
    for dashboard in grafana_dashboards(environment()).values():
        variables = {each["name"]: each for each in dashboard["templating"]["list"]}
        used = set(re.findall(r"\$\{(\w+)\}", json.dumps(dashboard["panels"])))
        assert used <= set(variables)
    assert re.search(variables["balancer"]["regex"].strip("/").replace(r"\/", "/"), "app/llmctl-test/50dc")
    regex = variables["two_words_blue"]["regex"].strip("/").replace(r"\/", "/")
    assert re.search(regex, "targetgroup/test-two-words-blue/73e2")
    assert not re.search(regex, "targetgroup/test-two-words-blue-2/73e2")
