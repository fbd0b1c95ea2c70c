"""The judge: what each gate of a plan says of the new release. Pure.

A gate fails when the new release is worse than allowed and noise does not explain it; it passes, at the end
of the bake, when it is not worse than allowed. Everything between, and everything that was not measured or
too rarely, is inconclusive: never a pass, never a fail.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from infra.rollout import statistics
from infra.rollout.measured import Distribution, Measured, Measurements
from infra.rollout.types import Answer, GateSpec, Verdict

SHARE = "share"
"""No gate of a release: whether the balancer carries the weight."""
_SHARE_SIGMAS = 4.0
_SHARE_SLACK = 0.01
"""Part of all requests that may be counted in another window than they were sent in."""
_SHARE_LEAST = 20
_TIMES = {
    "latency_p95": ("latency", 0.95),
    "latency_p99": ("latency", 0.99),
    "ttft_p95": ("ttft", 0.95),
    "tpot_p95": ("tpot", 0.95),
}
"""(measure, rank) of each gate on times."""
_ALL_THE_SAME = 0.02
"""Standard error of a mean score is at least this: a few prompts that agree prove little."""


@dataclass(frozen=True, kw_only=True)
class _Finding:
    """Numbers of one gate, before they become a verdict."""

    new: float | None
    old: float | None = None
    limit: float | None = None
    z: float | None = None
    """Beyond the limit; None: can't be told."""
    worse: bool = False
    """Whether the new value itself is beyond the limit."""
    samples: int
    lacks: str = ""
    """What is missing to say anything."""
    sequential: bool = True
    """Whether more comes in while the step bakes; else there is one look, and it is final."""


def judge(
    gates: Sequence[GateSpec], measurements: Measurements, *, fraction: float, alone: bool = False
) -> tuple[Verdict, ...]:
    """One verdict for each gate that has a bound to ask about.

    `fraction`: share of the bake that has passed; 1: all of it. `alone`: there never was anybody to compare
    with, so that only absolute bounds are asked about.
    """
    verdicts = []
    for spec in gates:
        relative = None if alone else spec.worse_by
        if spec.limit is not None or relative is not None:
            verdicts.append(_verdict(spec, relative, measurements, fraction))
    return tuple(verdicts)


def share(measurements: Measurements, weight: int) -> Verdict:
    """Whether the balancer carries the weight: 4 standard deviations, and a slack for the edges.

    A verdict like that of a gate, of the requests that came by the weights.
    """
    counts = [_weighted(each) for each in (measurements.new, measurements.old)]
    new, old = (count or 0 for count in counts)
    total = new + old
    answer, why = Answer.INCONCLUSIVE, f"{total} requests, {_SHARE_LEAST} are needed"
    value = 100 * new / total if total else None
    if None in counts:
        why = "requests of each release are not measured"
    elif total >= _SHARE_LEAST and value is not None:
        wanted = weight / 100
        bound = _SHARE_SIGMAS * math.sqrt(total * wanted * (1 - wanted)) + _SHARE_SLACK * total + 3
        fits = abs(new - wanted * total) <= bound
        answer = Answer.PASS if fits else Answer.FAIL
        why = f"{value:.1f} % of {total} requests, weight {weight} % ± {100 * bound / total:.1f}"
    return Verdict(
        gate=SHARE, answer=answer, new=value, old=None, limit=weight, samples=total, unit="percent", why=why
    )


def _verdict(spec: GateSpec, relative: float | None, measurements: Measurements, fraction: float) -> Verdict:
    """The stricter of the absolute and the relative bound: either is enough to fail."""
    look = _LOOKS[spec.gate]
    found = []
    if spec.limit is not None:
        found.append(look(spec, spec.limit, None, measurements))
    if relative is not None:
        found.append(look(spec, None, relative, measurements))
    verdicts = [_worded(spec, finding, fraction) for finding in found]
    order = (Answer.FAIL, Answer.INCONCLUSIVE, Answer.PASS)
    return min(verdicts, key=lambda verdict: order.index(verdict.answer))


def _worded(spec: GateSpec, found: _Finding, fraction: float) -> Verdict:
    unit = _UNITS[spec.gate]
    answer, remark = _answer(spec, found, fraction)
    numbers = _numbers(found, unit)
    return Verdict(
        gate=spec.gate,
        answer=answer,
        new=found.new,
        old=found.old,
        limit=found.limit,
        samples=found.samples,
        unit=unit,
        why=", ".join(part for part in (numbers, f"{found.samples} {_COUNTED[spec.gate]}", remark) if part),
    )


def _answer(spec: GateSpec, found: _Finding, fraction: float) -> tuple[Answer, str]:
    if found.lacks:
        return Answer.INCONCLUSIVE, found.lacks
    if found.samples < spec.min_samples:
        return Answer.INCONCLUSIVE, f"{spec.min_samples} are needed"
    enough = statistics.boundary(fraction if found.sequential else 1.0)
    if found.worse and found.z is not None and found.z >= enough:
        return Answer.FAIL, "worse"
    if fraction < 1.0:
        return Answer.INCONCLUSIVE, "so far worse, too few to tell" if found.worse else "so far good"
    if found.worse:
        return Answer.INCONCLUSIVE, "worse, but it may be noise"
    return Answer.PASS, ""


def _errors(
    spec: GateSpec, limit: float | None, worse_by: float | None, measurements: Measurements
) -> _Finding:
    """Percent of requests; the margin is in percentage points."""
    new, old = measurements.new, measurements.old
    if new.requests is None or new.errors is None:
        return _Finding(new=None, samples=0, lacks="errors are not measured")
    rate = 100 * new.errors / new.requests if new.requests else None
    if not new.requests or rate is None:
        return _Finding(new=None, limit=limit, samples=0)
    if limit is not None:
        z = statistics.too_many_errors(new.errors, new.requests, limit / 100)
        return _Finding(new=rate, limit=limit, z=z, worse=rate > limit, samples=new.requests)
    if not old.requests or old.errors is None:
        return _Finding(new=rate, samples=new.requests, lacks=_NOBODY)
    before = 100 * old.errors / old.requests
    allowed = before + (worse_by or 0.0)
    return _Finding(
        new=rate,
        old=before,
        limit=allowed,
        z=statistics.more_errors(new.errors, new.requests, old.errors, old.requests),
        worse=rate > allowed,
        samples=new.requests,
    )


def _times(
    spec: GateSpec, limit: float | None, worse_by: float | None, measurements: Measurements
) -> _Finding:
    """Seconds; the margin is in percent of the old release's."""
    name, rank = _TIMES[spec.gate]
    new, old = _ladder(measurements.new, name), _ladder(measurements.old, name)
    if new is None:
        return _Finding(new=None, limit=limit, samples=0, lacks="not measured")
    value = statistics.percentile(new, rank)
    if limit is not None:
        z = statistics.too_slow(new, rank, limit)
        return _Finding(new=value, limit=limit, z=z, worse=value > limit, samples=new.count)
    if old is None or old.count < spec.min_samples:
        return _Finding(new=value, samples=new.count, lacks=_NOBODY)
    factor = 1 + (worse_by or 0.0) / 100
    before = statistics.percentile(old, rank)
    return _Finding(
        new=value,
        old=before,
        limit=before * factor,
        z=statistics.slower(new, old, rank, factor),
        worse=value > before * factor,
        samples=new.count,
    )


def _speed(
    spec: GateSpec, limit: float | None, worse_by: float | None, measurements: Measurements
) -> _Finding:
    """Tokens a second per request in flight; less is worse."""
    new, old, samples = measurements.new.speeds, measurements.old.speeds, measurements.new.requests or 0
    if not new:
        return _Finding(new=None, limit=limit, samples=samples, lacks="not measured")
    value = fmean(new)
    if limit is not None:
        z = statistics.below(new, limit) if len(new) > 1 else None
        return _Finding(new=value, limit=limit, z=z, worse=value < limit, samples=samples)
    factor = max(0.0, 1 - (worse_by or 0.0) / 100)
    z = statistics.lower(new, old, factor) if old else None
    if z is None:
        return _Finding(new=value, samples=samples, lacks=_NOBODY)
    allowed = fmean(old) * factor
    return _Finding(new=value, old=fmean(old), limit=allowed, z=z, worse=value < allowed, samples=samples)


def _failures(
    spec: GateSpec, limit: float | None, worse_by: float | None, measurements: Measurements
) -> _Finding:
    """A count: no noise about it."""
    new, old = measurements.new.engine_failures, measurements.old.engine_failures
    samples = measurements.new.requests or 0
    if new is None:
        return _Finding(new=None, limit=limit, samples=samples, lacks="not measured")
    allowed = limit if limit is not None else (old or 0) * (1 + (worse_by or 0.0) / 100)
    # The engine is gone whether or not it had a request.
    counted = max(samples, spec.min_samples) if new > allowed else samples
    return _Finding(
        new=new, old=old, limit=allowed, z=math.inf, worse=new > allowed, samples=counted, sequential=False
    )


def _quality(
    spec: GateSpec, limit: float | None, worse_by: float | None, measurements: Measurements
) -> _Finding:
    """Points of a mean score from 0 to 100; answers to the same prompt are compared with each other."""
    new, old = measurements.new.scores, measurements.old.scores
    if not new:
        return _Finding(new=None, limit=limit, samples=0, lacks="no answers are scored yet")
    if limit is not None:
        value = 100 * fmean(new.values())
        z = statistics.below(list(new.values()), limit / 100, _ALL_THE_SAME) if len(new) > 1 else None
        return _Finding(new=value, limit=limit, z=z, worse=value < limit, samples=len(new), sequential=False)
    both = sorted(new.keys() & old.keys())
    if len(both) < 2:
        return _Finding(new=100 * fmean(new.values()), samples=len(both), lacks=_NOBODY)
    value, before = 100 * fmean(new[each] for each in both), 100 * fmean(old[each] for each in both)
    differences = [new[each] - old[each] for each in both]
    margin = worse_by or 0.0
    return _Finding(
        new=value,
        old=before,
        limit=max(0.0, before - margin),
        z=statistics.below(differences, -margin / 100, _ALL_THE_SAME),
        worse=value < before - margin,
        samples=len(both),
        sequential=False,
    )


def _weighted(measured: Measured) -> int | None:
    """Requests that came by the weights, without golden prompts that went past them."""
    if measured.requests is None or measured.direct is None:
        return None
    return max(0, measured.requests - measured.direct)


def _ladder(measured: Measured, name: str) -> Distribution | None:
    found = measured.times.get(name)
    return found if found and found.ladder and found.count else None


def _numbers(found: _Finding, unit: str) -> str:
    if found.new is None:
        return ""
    against = f" against {_told(found.old, unit)}" if found.old is not None else ""
    bound = f" (limit {_told(found.limit, unit)})" if found.limit is not None else ""
    return f"{_told(found.new, unit)}{against}{bound}"


def _told(value: float, unit: str) -> str:
    if unit == "seconds":
        return f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms"
    number = f"{value:.3g}" if value < 100 else f"{value:.0f}"
    return f"{number} %" if unit == "percent" else f"{number} {unit}".rstrip()


_NOBODY = "the old release has too few to compare with"
Look = Callable[[GateSpec, float | None, float | None, Measurements], _Finding]
_LOOKS: dict[str, Look] = {
    "error_rate": _errors,
    **dict.fromkeys(_TIMES, _times),
    "tokens_per_second": _speed,
    "engine_failures": _failures,
    "quality": _quality,
}
_UNITS = {
    "error_rate": "percent",
    **dict.fromkeys(_TIMES, "seconds"),
    "tokens_per_second": "tokens a second",
    "engine_failures": "",
    "quality": "points",
}
_COUNTED = {**dict.fromkeys(_LOOKS, "requests"), "quality": "prompts"}
