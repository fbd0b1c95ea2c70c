"""The agent's /metrics: our own names for every engine, then the engine's page as it is.

docs/metrics.md lists the names; alert rules and dashboards are written on them.
"""

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from infra.agent import catalogue
from infra.agent.machine import Phase
from infra.agent.telemetry.datums import Who
from infra.agent.telemetry.meter import View
from infra.agent.telemetry.tally import Histogram

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LABELS = ("environment", "model", "slot", "release")

COUNTERS = {
    "llmctl_requests": (catalogue.REQUESTS, "Requests that the engine finished."),
    "llmctl_prompt_tokens": (catalogue.PROMPT_TOKENS, "Tokens in prompts."),
    "llmctl_generated_tokens": (catalogue.GENERATED_TOKENS, "Tokens generated."),
    "llmctl_spot_notices": (catalogue.SPOT_NOTICES, "Spot interruption notices."),
    "llmctl_engine_failures": (catalogue.ENGINE_FAILURES, "Times that the engine failed."),
    "llmctl_scrape_failures": (catalogue.SCRAPE_FAILURES, "Times that a healthy engine's page was not read."),
}
ERRORS = {
    "client": catalogue.CLIENT_ERRORS,
    "server": catalogue.SERVER_ERRORS,
    "aborted": catalogue.ABORTED,
}
GAUGES = {
    "llmctl_in_flight": (catalogue.IN_FLIGHT, "Requests in the engine.", 1.0),
    "llmctl_queued": (catalogue.QUEUED, "Requests that wait in the engine.", 1.0),
    "llmctl_kv_cache_use_ratio": (catalogue.KV_CACHE, "Share of the KV cache in use.", 0.01),
    "llmctl_batch_occupancy_ratio": (catalogue.BATCH, "Share of the batch in use.", 0.01),
    "llmctl_gpu_use_ratio": (catalogue.GPU, "Share of time that the GPUs were busy.", 0.01),
    "llmctl_gpu_memory_use_ratio": (catalogue.GPU_MEMORY, "Share of the GPUs' memory in use.", 0.01),
}
TIMES = {
    "llmctl_time_to_first_token_seconds": (catalogue.FIRST_TOKEN, "Time to the first token."),
    "llmctl_time_per_output_token_seconds": (catalogue.PER_TOKEN, "Time per token after the first."),
    "llmctl_request_duration_seconds": (catalogue.LATENCY, "Time of whole requests."),
}
COLD_START = {
    "total": catalogue.COLD_START,
    "boot": catalogue.COLD_START_BOOT,
    "fetch": catalogue.COLD_START_FETCH,
    "load": catalogue.COLD_START_LOAD,
    "first_token": catalogue.COLD_START_FIRST_TOKEN,
}


def text(view: View, who: Who) -> bytes:
    """The page in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Once(Collector):
        def collect(self) -> "Iterable[Metric]":
            return _families(view, who)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Once())
    return generate_latest(registry) + view.page.encode()


def _families(view: View, who: Who) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    own = [getattr(who, name) for name in _LABELS]
    beat = GaugeMetricFamily(
        "llmctl_heartbeat_timestamp_seconds", "When the agent last published.", labels=_LABELS
    )
    beat.add_metric(own, view.heartbeat)
    yield beat
    phases = GaugeMetricFamily("llmctl_phase", "1 for the phase it is in.", labels=(*_LABELS, "phase"))
    for phase in Phase:
        phases.add_metric([*own, phase.value], float(phase is view.phase))
    yield phases
    cold = GaugeMetricFamily(
        "llmctl_cold_start_seconds", "Of the instance's cold start.", labels=(*_LABELS, "phase")
    )
    for part, metric in COLD_START.items():
        if metric.name in view.cold_start:
            cold.add_metric([*own, part], view.cold_start[metric.name])
    yield cold
    counts = view.totals.counts
    for name, (metric, meaning) in COUNTERS.items():
        counter = CounterMetricFamily(name, meaning, labels=_LABELS)
        counter.add_metric(own, counts.get(metric.name, 0.0))
        yield counter
    errors = CounterMetricFamily("llmctl_errors", "Requests that failed.", labels=(*_LABELS, "class"))
    for kind, metric in ERRORS.items():
        errors.add_metric([*own, kind], counts.get(metric.name, 0.0))
    yield errors
    for name, (metric, meaning, scale) in GAUGES.items():
        gauge = GaugeMetricFamily(name, meaning, labels=_LABELS)
        if metric.name in view.gauges:
            gauge.add_metric(own, view.gauges[metric.name] * scale)
        yield gauge
    for name, (metric, meaning) in TIMES.items():
        times = HistogramMetricFamily(name, meaning, labels=_LABELS)
        if histogram := view.totals.histograms.get(metric.name):
            times.add_metric(own, _cumulative(histogram), sum_value=histogram.total)
        yield times


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    found, count = [], 0.0
    for (_, high), number in sorted(histogram.buckets.items(), key=lambda each: each[0][1]):
        count += number
        found.append(("+Inf" if math.isinf(high) else str(high), count))
    if not found or found[-1][0] != "+Inf":
        found.append(("+Inf", count))
    return found
