"""Samples to report; pure.

Latencies are those of successful answers: a quick refusal must not make a server look fast. Failures are
counted beside them, and no percentile should be read without that count.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from infra.bench.generator import Run
from infra.bench.objective import per_token
from infra.bench.report import (
    Counts,
    Distribution,
    FailureCount,
    Good,
    Group,
    Latency,
    Rates,
    Report,
    Settings,
    Target,
    Tokens,
)
from infra.bench.sample import Sample
from infra.bench.schedule import Schedule

SCHEMA = "llmctl.bench/1"
_LATE_SECONDS = 0.02
"""A p99 of the generator's own lag beyond which it falsifies what it measures."""
_NO_HEADER = "(no such header)"


def summarise(run: Run, schedule: Schedule, settings: Settings, target: Target, *, started: str) -> Report:
    """The report of a run, complete or interrupted."""
    end = min(schedule.end, run.elapsed) if run.interrupted else schedule.end
    window = max(0.0, end - schedule.begin)
    samples = [sample for sample in run.samples if not sample.warmup]
    in_window = [
        sample
        for sample in run.samples
        if sample.succeeded and sample.finished is not None and schedule.begin <= sample.finished < end
    ]
    answered = [sample for sample in samples if sample.succeeded]
    delays = [sample.sent - sample.scheduled for sample in samples if sample.sent is not None]
    counts = _counts(samples)
    delay = distribution(delays)
    by, groups = _groups(samples, settings, target)
    return Report(
        schema=SCHEMA,
        target=target,
        settings=settings,
        started=started,
        window=window,
        interrupted=run.interrupted,
        warmup_requests=len(run.samples) - len(samples),
        requests=counts,
        rate=_rates(samples, in_window, schedule.begin, end),
        schedule_delay=delay,
        ttft=_first_token(answered),
        tpot=distribution(_known(map(per_token, answered))),
        stall=distribution(_known(sample.longest_gap for sample in answered)),
        end_to_end=_end_to_end(answered),
        tokens=_tokens(answered, in_window, window),
        failures=_failures(samples),
        good=_good(samples, settings, window),
        grouped_by=by,
        groups=groups,
        warnings=tuple(_warnings(counts, delay, settings, target)),
    )


def distribution(values: Iterable[float]) -> Distribution | None:
    """Mean, maximum and nearest-rank percentiles; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return Distribution(
        count=len(ordered),
        mean=sum(ordered) / len(ordered),
        p50=percentile(ordered, 50),
        p90=percentile(ordered, 90),
        p95=percentile(ordered, 95),
        p99=percentile(ordered, 99),
        max=ordered[-1],
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Nearest rank: the smallest value that at least `percent` of all values do not exceed."""
    return ordered[max(1, -(-len(ordered) * percent // 100)) - 1]


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _counts(samples: Sequence[Sample]) -> Counts:
    succeeded = sum(sample.succeeded for sample in samples)
    failed = sum(sample.failure is not None for sample in samples)
    return Counts(
        scheduled=len(samples),
        sent=sum(sample.sent is not None for sample in samples),
        succeeded=succeeded,
        failed=failed,
        unfinished=len(samples) - succeeded - failed,
        held_back=sum(sample.held_back for sample in samples),
    )


def _rates(samples: Sequence[Sample], in_window: Sequence[Sample], begin: float, end: float) -> Rates:
    sent = sum(sample.sent is not None and begin <= sample.sent < end for sample in samples)
    window = max(0.0, end - begin)
    return Rates(
        offered=_per_second(len(samples), window),
        sent=_per_second(sent, window),
        achieved=_per_second(len(in_window), window),
    )


def _per_second(count: float, window: float) -> float:
    return count / window if window else 0.0


def _first_token(answered: Sequence[Sample]) -> Latency:
    known = [(sample, sample.first_token) for sample in answered if sample.first_token is not None]
    return Latency(
        from_schedule=distribution(first - sample.scheduled for sample, first in known),
        from_send=distribution(first - sample.sent for sample, first in known if sample.sent is not None),
    )


def _end_to_end(answered: Sequence[Sample]) -> Latency:
    known = [(sample, sample.finished) for sample in answered if sample.finished is not None]
    return Latency(
        from_schedule=distribution(finished - sample.scheduled for sample, finished in known),
        from_send=distribution(
            finished - sample.sent for sample, finished in known if sample.sent is not None
        ),
    )


def _tokens(answered: Sequence[Sample], in_window: Sequence[Sample], window: float) -> Tokens:
    prompt, generated = _token_sums(answered)
    window_prompt, window_generated = _token_sums(in_window)
    ways = {
        "chunks" if sample.completion_tokens is None else "usage" for sample in answered if sample.generated
    }
    return Tokens(
        counted_by="mixed" if len(ways) > 1 else next(iter(ways), "none"),
        prompt=prompt,
        generated=generated,
        prompt_per_second=None if prompt is None else _per_second(window_prompt or 0, window),
        generated_per_second=None if generated is None else _per_second(window_generated or 0, window),
    )


def _token_sums(samples: Sequence[Sample]) -> tuple[int | None, int | None]:
    prompt = [sample.prompt_tokens for sample in samples if sample.prompt_tokens is not None]
    generated = [sample.generated for sample in samples if sample.generated is not None]
    return sum(prompt) if prompt else None, sum(generated) if generated else None


def _failures(samples: Sequence[Sample]) -> tuple[FailureCount, ...]:
    counts = Counter(str(sample.failure) for sample in samples if sample.failure)
    examples = {str(sample.failure): sample.detail for sample in reversed(samples)}
    return tuple(
        FailureCount(kind=kind, count=count, example=examples[kind]) for kind, count in counts.most_common()
    )


def _good(samples: Sequence[Sample], settings: Settings, window: float) -> Good | None:
    if not settings.objectives:
        return None
    finished = [sample for sample in samples if sample.finished is not None]
    good = sum(all(objective.met(sample) for objective in settings.objectives) for sample in finished)
    return Good(share=good / len(finished) if finished else 0.0, rate=_per_second(good, window))


def _groups(samples: Sequence[Sample], settings: Settings, target: Target) -> tuple[str, tuple[Group, ...]]:
    """By the header that was asked for; else by release, where only one can have served."""
    if settings.group_by:
        members: dict[str, list[Sample]] = {}
        for sample in samples:
            if sample.finished is not None:
                members.setdefault(sample.group or _NO_HEADER, []).append(sample)
        return f"header {settings.group_by}", tuple(_group(name, members[name]) for name in sorted(members))
    if len(target.releases_before) == 1 and target.releases_before == target.releases_after:
        (release,) = target.releases_before
        return "release", (_group(f"{release.slot} {release.release}", samples),)
    return "nothing", ()


def _group(name: str, samples: Sequence[Sample]) -> Group:
    answered = [sample for sample in samples if sample.succeeded]
    return Group(
        name=name,
        succeeded=len(answered),
        failed=sum(sample.failure is not None for sample in samples),
        ttft=_first_token(answered),
        tpot=distribution(_known(map(per_token, answered))),
        end_to_end=_end_to_end(answered),
    )


def _warnings(
    counts: Counts, delay: Distribution | None, settings: Settings, target: Target
) -> Iterable[str]:
    if counts.held_back:
        yield (
            f"--max-in-flight {settings.max_in_flight} held {counts.held_back} requests back: "
            "read the times from the schedule, those from the send hide the wait"
        )
    elif delay is not None and delay.p99 > _LATE_SECONDS:
        yield (
            f"the generator was late itself: {delay.p99 * 1000:.0f} ms at p99 of the schedule delay; "
            "use a lower rate, or a machine with less to do"
        )
    if target.releases_before and not target.releases_after:
        yield "which releases took the traffic could not be read after the run"
    elif target.releases_before != target.releases_after:
        yield "the traffic moved to other releases during the run"
    elif len(target.releases_before) > 1 and not settings.group_by:
        yield (
            "two releases shared the traffic, and no answer says which one served it: "
            "figures are of both together"
        )
