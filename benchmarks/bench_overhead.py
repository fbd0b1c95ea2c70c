"""What `llmctl bench` costs beside a bare aiohttp loop, and the rate that one core of it keeps up with.

    python -m benchmarks.bench_overhead

The same streaming requests to the same simulator in a process of its own: by closed loops that drop the bytes
away and by the generator, in alternating rounds. CPU seconds of this process are compared, for they
depend little on how busy the machine is. Then the rate doubles until the generator, or the simulator (which
takes a core itself), can't keep up in any of three attempts. Ends with 1 when a target is missed.
"""

import asyncio
import itertools
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from infra.bench.client import request
from infra.bench.prompts import built_in
from infra.bench.report import Report, Settings, Target
from infra.bench.run import bench
from infra.bench.schedule import Arrivals

ROUNDS = 5
ATTEMPTS = 3
REQUESTS = 600
RATE = 200
MAX_TOKENS = 32
TARGET_RATIO = 2.0
TARGET_RATE = 300
LATE = 0.02
"""Schedule delay at p99, in seconds, beyond which the generator does not keep up."""
SERVER = "infra.embedded.image.servers.simulator"


def main() -> int:
    """Measure, print, and say whether the targets are met."""
    with simulator() as url:
        plain, ours = [], []
        for _ in range(ROUNDS):
            plain.append(cpu_of_plain_loop(url) * 1000)
            ours.append(cpu_of_bench(url) * 1000)
        ratio = statistics.median(ours) / statistics.median(plain)
        print(f"{REQUESTS} streaming requests at {RATE}/s, up to {MAX_TOKENS} tokens; CPU ms a request")
        print(f"  plain aiohttp loop  {statistics.median(plain):6.2f}")
        print(
            f"  llmctl bench        {statistics.median(ours):6.2f}   ratio {ratio:.2f}, target {TARGET_RATIO}"
        )
        fastest = fastest_rate(url)
    print(f"keeps up with {fastest}/s, target {TARGET_RATE}/s")
    return 0 if ratio < TARGET_RATIO and fastest >= TARGET_RATE else 1


def fastest_rate(url: str) -> int:
    """The highest of the doubling rates that is kept up with."""
    fastest = 0
    for rate in (150, 300, 600, 1200):
        if not any(keeps_up(url, rate) for _ in range(ATTEMPTS)):
            break
        fastest = rate
    return fastest


def keeps_up(url: str, rate: int) -> bool:
    """Whether every request left in time and was answered; prints how it went."""
    begin = time.process_time()
    report = run_bench(url, rate=rate, requests=rate * 4)
    cpu = (time.process_time() - begin) / report.window
    assert report.schedule_delay is not None
    late = report.schedule_delay.p99
    print(
        f"  {rate:>5}/s  sent {report.rate.sent:7.1f}/s  delay p99 {late * 1000:6.1f} ms  "
        f"failed {report.requests.failed}  CPU {cpu:4.0%}"
    )
    return late < LATE and not report.requests.failed


def cpu_of_bench(url: str) -> float:
    """CPU seconds a request of the generator."""
    begin = time.process_time()
    report = run_bench(url, rate=RATE, requests=REQUESTS)
    assert report.requests.succeeded == REQUESTS, report.failures
    return (time.process_time() - begin) / REQUESTS


def run_bench(url: str, *, rate: float, requests: int) -> Report:
    """One run, without warm-up."""
    settings = Settings(
        rate=rate,
        arrivals=Arrivals.CONSTANT,
        warmup=0,
        duration=None,
        requests=requests,
        prompts="built-in",
        max_tokens=MAX_TOKENS,
        stream=True,
        timeout=30,
        seed=1,
        max_in_flight=None,
        group_by=None,
        objectives=(),
    )
    target = Target(url=url, model="chat")
    return bench(target, settings, built_in(1, MAX_TOKENS), api_key=None, watch=lambda progress: None)


def cpu_of_plain_loop(url: str) -> float:
    """CPU seconds a request of as many workers as keep the same number of requests in flight."""
    begin = time.process_time()
    asyncio.run(plain_loop(url, workers=RATE // 4))
    return (time.process_time() - begin) / REQUESTS


async def plain_loop(url: str, *, workers: int) -> None:
    """Closed loops over the same requests; every chunk is read and forgotten."""
    prompts = itertools.islice(built_in(1, MAX_TOKENS), REQUESTS)
    bodies = (request(prompt, "chat", stream=True) for prompt in prompts)
    kind = {"Content-Type": "application/json"}

    async def work() -> None:
        for path, body in bodies:
            async with session.post(url + path, data=body, headers=kind) as answer:
                async for _ in answer.content.iter_any():
                    pass

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(work() for _ in range(workers)))


@contextmanager
def simulator() -> Iterator[str]:
    """URL of a quick simulator in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ("--port", str(port), "--served-model-name", "chat", "--max-num-seqs", "1000")
    speed = {"SIMULATOR_TTFT": "0.05", "SIMULATOR_TIME_PER_TOKEN": "0.004", "INSTANCE_ADDRESS": "127.0.0.1"}
    process = subprocess.Popen([sys.executable, "-m", SERVER, *arguments], env={**os.environ, **speed})
    try:
        url = f"http://127.0.0.1:{port}"
        while not answers(url):
            time.sleep(0.1)  # a server that starts can only be asked again
        yield f"{url}/v1"
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    """Whether the server is up."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
