"""One run from beginning to end: schedule, client, open loop, interrupts, report.

The first Ctrl-C (or SIGTERM) ends the run early, and what was measured is reported; a second one ends llmctl.
"""

import asyncio
import gc
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from infra.bench.client import OpenAiClient
from infra.bench.generator import OpenLoop, Progress, Run
from infra.bench.prompts import Prompt
from infra.bench.report import Release, Report, Settings, Target
from infra.bench.schedule import Schedule, plan
from infra.bench.summary import summarise
from infra.errors import LlmctlError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def bench(
    target: Target,
    settings: Settings,
    prompts: Iterator[Prompt],
    *,
    api_key: str | None,
    watch: Callable[[Progress], None],
    releases: Callable[[], tuple[Release, ...]] = lambda: (),
) -> Report:
    """Measure a target. `releases` is asked before and after; the key goes into a header, nowhere else."""
    schedule = plan(
        settings.arrivals,
        rate=settings.rate,
        warmup=settings.warmup,
        duration=settings.duration,
        requests=settings.requests,
        seed=settings.seed,
    )
    before = releases()
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    # What is loaded by now stays: looking through it for garbage would only delay requests.
    gc.freeze()
    try:
        run = asyncio.run(_run(target, settings, schedule, prompts, api_key, watch))
    finally:
        gc.unfreeze()
    try:
        after = releases()
    except LlmctlError:
        # What was measured is worth more than who served it; the report warns.
        after = ()
    target = replace(target, releases_before=before, releases_after=after)
    return summarise(run, schedule, settings, target, started=started)


async def _run(
    target: Target,
    settings: Settings,
    schedule: Schedule,
    prompts: Iterator[Prompt],
    api_key: str | None,
    watch: Callable[[Progress], None],
) -> Run:
    client = OpenAiClient(
        target.url,
        target.model,
        api_key=api_key,
        stream=settings.stream,
        timeout=settings.timeout,
        group_by=settings.group_by,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_once() -> None:
        stop.set()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop_once)
    async with client:
        return await OpenLoop(
            exchange=client,
            schedule=schedule,
            prompts=prompts,
            timeout=settings.timeout,
            max_in_flight=settings.max_in_flight,
            watch=watch,
        ).run(stop)
