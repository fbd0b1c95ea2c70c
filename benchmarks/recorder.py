"""What the recorder costs: the same requests straight to an engine, and through the recorder.

    python -m benchmarks.recorder

The engine is the simulator without delays, so that only the way there is measured; recorder and engine are
processes of their own. Whole answers and streams: nothing kept, everything timed, everything kept (the worst
case). Ends with 1 when the recorder adds more than the target to the median request.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from infra.agent.recorder import Recorder, Sampling
from infra.agent.timing import Report

HOST = "127.0.0.1"
TARGET_MS = 2.0
REQUESTS = 300
PARALLEL = 16
TOKENS = 32


def main() -> int:
    """Measure, print, and say whether the target is met."""
    added = []
    with (
        _engine() as engine,
        _recorder(engine, 0) as quiet,
        _recorder(engine, 0, timed=True) as timing,
        _recorder(engine, 1.0) as keeping,
    ):
        for stream in (False, True):
            kind = f"stream of {TOKENS} tokens" if stream else f"answer of {TOKENS} tokens"
            direct = _measure(engine, stream=stream)
            print(f"{kind:22} direct           {_row(direct)}")
            for name, port in (("passing on", quiet), ("timing all", timing), ("keeping all", keeping)):
                through = _measure(port, stream=stream)
                added.append(1000 * (through[0] - direct[0]))
                print(
                    f"{'':22} {name:16} {_row(through)}   {through[1] / direct[1]:4.0%}   {added[-1]:+.2f} ms"
                )
    print(f"added to a single request, at worst: {max(added):.2f} ms   target {TARGET_MS} ms")
    return 0 if max(added) < TARGET_MS else 1


def _row(result: tuple[float, float]) -> str:
    return f"{1000 * result[0]:6.2f} ms alone, {result[1]:6.0f} requests/s with {PARALLEL} at once"


def _measure(port: int, *, stream: bool) -> tuple[float, float]:
    """Median seconds of a request alone, and requests a second of many at once."""
    return asyncio.run(_ask(port, stream=stream))


async def _ask(port: int, *, stream: bool) -> tuple[float, float]:
    body = {"model": "chat", "prompt": "hi", "max_tokens": TOKENS, "ignore_eos": True, "stream": stream}
    url = f"http://{HOST}:{port}/v1/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one() -> float:
            begun = time.perf_counter()
            async with session.post(url, json=body) as response:
                response.raise_for_status()
                await response.read()
            return time.perf_counter() - begun

        async def some() -> None:
            for _ in range(REQUESTS // PARALLEL):
                await one()

        await asyncio.gather(*(one() for _ in range(PARALLEL)))
        alone = statistics.median([await one() for _ in range(REQUESTS)])
        begun = time.perf_counter()
        await asyncio.gather(*(some() for _ in range(PARALLEL)))
        return alone, REQUESTS // PARALLEL * PARALLEL / (time.perf_counter() - begun)


@contextmanager
def _engine() -> Iterator[int]:
    port = _free_port()
    module = "infra.embedded.image.servers.simulator"
    delays = ("--ttft", "0", "--time-per-token", "0")
    command = (sys.executable, "-m", module, "--served-model-name", "chat", "--port", str(port), *delays)
    process = subprocess.Popen(
        command,
        env={**os.environ, "INSTANCE_ADDRESS": HOST},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port)
        yield port
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def _recorder(engine: int, rate: float, *, timed: bool = False) -> Iterator[int]:
    port = _free_port()
    process = multiprocessing.get_context("spawn").Process(
        target=_record, args=(engine, port, rate, timed), daemon=True
    )
    process.start()
    try:
        _wait(port)
        yield port
    finally:
        process.kill()
        process.join()


def _record(engine: int, port: int, rate: float, timed: bool) -> None:
    async def run() -> None:
        sampling = Sampling(rate=rate, max_bytes=65536, keep=lambda exchange: None)
        recorder = Recorder(HOST, engine, sampling, report=Report.to_line if timed else None)
        async with await recorder.listen(HOST, port):
            await asyncio.Event().wait()

    asyncio.run(run())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.05)  # a server that starts can only be asked again
        else:
            return
    raise TimeoutError(f"nothing listens on {port}")


if __name__ == "__main__":
    sys.exit(main())
