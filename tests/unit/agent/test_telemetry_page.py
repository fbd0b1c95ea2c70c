"""The agent's own page, for Prometheus."""

import socket
import urllib.error
import urllib.request

import pytest

from infra.agent.machine import Phase
from infra.agent.telemetry import page as pages
from infra.agent.telemetry import web
from infra.agent.telemetry.datums import Who
from infra.agent.telemetry.exposition import Exposition, parse
from infra.agent.telemetry.meter import View
from infra.agent.telemetry.tally import Tally
from tests.unit.agent.pages import page
from tests.unit.agent.test_telemetry_meter import Replica

WHO = Who(environment="test", model="chat", slot="blue", release="7", replica="i-1")


def shown(view: View) -> Exposition:
    """The page, as Prometheus reads it."""
    return parse(pages.text(view, WHO).decode())


def value(found: Exposition, name: str, **labels: str) -> float:
    """The only sample with these labels."""
    (sample,) = found.select(name, tuple(labels.items()))
    return sample.value


def test_page_has_our_names_and_the_engines() -> None:
    """Alert rules are written once, on names that every engine shares."""
    replica = Replica()
    replica.healthy()
    text = page(
        requests={"200": 3, "500": 1},
        tokens=40,
        running=2,
        latency_ms=({"100": 1, "500": 3, "+Inf": 4}, 2000),
    )
    replica.reads(text)
    replica.taken(1300.0)
    found = shown(replica.meter.view())
    assert value(found, "llmctl_requests_total") == 4
    assert value(found, "llmctl_errors_total", **{"class": "server"}) == 1
    assert value(found, "llmctl_generated_tokens_total", model="chat", slot="blue", release="7") == 40
    assert value(found, "llmctl_in_flight") == 2
    assert value(found, "llmctl_heartbeat_timestamp_seconds") == 1300
    assert value(found, "llmctl_phase", phase="healthy") == 1
    assert value(found, "llmctl_phase", phase="failed") == 0
    assert value(found, "llmctl_cold_start_seconds", phase="total") == 101
    assert value(found, "llmctl_request_duration_seconds_bucket", le="0.5") == 3
    assert value(found, "llmctl_request_duration_seconds_bucket", le=r"\+Inf") == 4
    assert value(found, "llmctl_request_duration_seconds_sum") == 2
    assert value(found, "llmctl_request_duration_seconds_count") == 4
    assert value(found, "requests_total", status="500") == 1


def test_totals_never_fall() -> None:
    """Prometheus takes rates of them, over restarts of the engine and publications."""
    replica = Replica()
    replica.healthy()
    replica.reads(page(requests={"200": 5}))
    replica.taken()
    replica.goes(Phase.FAILED, 1310.0)
    view = replica.meter.view()
    assert "requests_total 5" not in view.page
    assert value(shown(view), "llmctl_requests_total") == 5
    assert value(shown(view), "llmctl_engine_failures_total") == 1


def test_nothing_is_shown_of_what_is_not_known() -> None:
    """A gauge of zero for an engine that doesn't tell would be a lie."""
    found = shown(View(Phase.BOOTING, 0.0, {}, Tally(), {}, ""))
    assert found.has("llmctl_kv_cache_use_ratio")
    assert not found.select("llmctl_kv_cache_use_ratio")
    assert not found.select("llmctl_cold_start_seconds")


def test_only_metrics_are_served() -> None:
    """The port shows one page and nothing else."""
    port = web.serve(lambda: b"x 1\n", "127.0.0.1", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
        assert response.read() == b"x 1\n"
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
    assert refused.value.code == 404
    refused.value.close()


def test_a_taken_port_is_survived() -> None:
    """Something else on the port must not cost the replica."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert web.serve(lambda: b"", "127.0.0.1", other.getsockname()[1]) is None
