"""What the recorder saw of a request, in the catalogue's metrics.

Times are kept to three significant digits: as exact as anyone reads them, and equal ones become one value
with a count. For Prometheus they are also counted in buckets, narrower than those of most engines.
"""

import math

from infra.agent import catalogue
from infra.agent.catalogue import Metric
from infra.agent.telemetry.tally import Histogram, Tally
from infra.agent.timing import Outcome, Report

_STEPS = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.4, 8.0)
"""Of a decade: each about a quarter more than the one before."""
_DECADES = range(-4, 3)
BOUNDS = (*(float(f"{step}e{decade}") for decade in _DECADES for step in _STEPS), 1000.0, math.inf)
"""Upper bounds of the buckets, in seconds: from 100 microseconds to 1000 seconds."""
_BUCKETS = tuple(zip((0.0, *BOUNDS), BOUNDS, strict=False))
_COUNTS = (catalogue.REQUESTS, catalogue.CLIENT_ERRORS, catalogue.SERVER_ERRORS, catalogue.ABORTED)
_TIMES = (catalogue.FIRST_TOKEN, catalogue.PER_TOKEN, catalogue.LATENCY)
_ERRORS = {
    Outcome.CLIENT_ERROR: catalogue.CLIENT_ERRORS,
    Outcome.SERVER_ERROR: catalogue.SERVER_ERRORS,
    Outcome.ABORTED: catalogue.ABORTED,
}


def none() -> Tally:
    """No request yet: zero, which is something else than not known."""
    empty = {metric.name: Histogram(dict.fromkeys(_BUCKETS, 0.0)) for metric in _TIMES}
    return Tally({metric.name: 0.0 for metric in _COUNTS}, {}, empty)


def one(report: Report) -> Tally:
    """One request. Times are those of complete answers: a quick refusal makes no server fast."""
    told = Tally()
    told.count(catalogue.REQUESTS.name, 1)
    if metric := _ERRORS.get(report.outcome):
        told.count(metric.name, 1)
        return told
    _took(told, catalogue.LATENCY, report.duration)
    _took(told, catalogue.FIRST_TOKEN, report.first_token)
    _took(told, catalogue.PER_TOKEN, report.per_token)
    return told


def _took(told: Tally, metric: Metric, seconds: float | None) -> None:
    if seconds is None:
        return
    seconds = max(0.0, seconds)
    told.value(metric.name, float(f"{seconds:.3g}"))
    bucket = next(each for each in _BUCKETS if seconds <= each[1])
    told.histograms[metric.name] = Histogram({bucket: 1.0}, seconds)
