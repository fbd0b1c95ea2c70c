"""`bench` against real servers over real connections."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.app import run as llmctl
from infra.bench.prompts import built_in
from infra.bench.report import Report, Settings, Target
from infra.bench.run import bench
from infra.bench.schedule import Arrivals
from infra.errors import ExitCode
from tests.functional.servers.conftest import Running, Start

pytestmark = pytest.mark.slow
KEY = "sk-test"
FAST = {"SIMULATOR_TTFT": "0.02", "SIMULATOR_TIME_PER_TOKEN": "0.002"}
SETTINGS = Settings(
    rate=20,
    arrivals=Arrivals.CONSTANT,
    warmup=0,
    duration=None,
    requests=10,
    prompts="built-in",
    max_tokens=16,
    stream=True,
    timeout=10,
    seed=1,
    max_in_flight=None,
    group_by=None,
    objectives=(),
)


def measure(
    url: str, settings: Settings = SETTINGS, *, key: str | None = None, model: str = "chat"
) -> Report:
    """The report of a run against a URL."""
    return bench(
        Target(url=f"{url}/v1", model=model),
        settings,
        built_in(settings.seed, settings.max_tokens),
        api_key=key,
        watch=lambda progress: None,
    )


def kinds(report: Report) -> dict[str, int]:
    """Failures by kind."""
    return {failure.kind: failure.count for failure in report.failures}


def counter(server: Running, name: str) -> float:
    """Sum of a counter of the server's own metrics over its labels."""
    found = re.findall(rf"^{re.escape(name)}{{.*}} (\S+)$", server.text("/metrics"), re.MULTILINE)
    return sum(map(float, found))


@pytest.fixture(scope="module")
def simulator(start: Start) -> Running:
    """A quick server that demands a key."""
    return start("simulator", "--served-model-name", "chat", VLLM_API_KEY=KEY, **FAST)


@pytest.mark.parametrize("stream", [True, False])
def test_counts_are_exactly_the_servers(simulator: Running, *, stream: bool) -> None:
    """Requests and tokens, as client and server know them, are the same numbers."""
    names = ("vllm:request_success_total", "vllm:prompt_tokens_total", "vllm:generation_tokens_total")
    before = [counter(simulator, name) for name in names]
    settings = replace(SETTINGS, rate=50, requests=100, arrivals=Arrivals.POISSON, stream=stream)
    report = measure(simulator.url, settings, key=KEY)
    grown = [counter(simulator, name) - old for name, old in zip(names, before, strict=True)]
    assert report.failures == ()
    assert [report.requests.succeeded, report.tokens.prompt, report.tokens.generated] == grown
    assert report.requests.succeeded == 100
    assert report.tokens.counted_by == "usage"
    assert (report.ttft.from_send is not None) is stream


def test_times_are_what_the_server_was_told_to_take(start: Start) -> None:
    """First token, time per token and the whole answer, each within what a busy machine may add."""
    server = start(
        "simulator", "--served-model-name", "chat", SIMULATOR_TTFT="0.2", SIMULATOR_TIME_PER_TOKEN="0.02"
    )
    report = measure(server.url, replace(SETTINGS, rate=2, requests=6))
    assert report.ttft.from_send is not None
    assert report.tpot is not None
    assert report.ttft.from_send.p50 == pytest.approx(0.2, abs=0.05)
    assert report.tpot.p50 == pytest.approx(0.02, abs=0.005)
    assert report.rate.offered == pytest.approx(2)


def test_failures_of_the_server_are_counted_exactly(start: Start) -> None:
    """What it did not finish is what we say it failed."""
    server = start("simulator", "--served-model-name", "chat", SIMULATOR_ERROR_RATE="0.3", **FAST)
    report = measure(server.url, replace(SETTINGS, rate=100, requests=100))
    served = counter(server, "vllm:request_success_total")
    assert 10 <= report.requests.failed <= 50
    assert report.requests.succeeded == served
    assert kinds(report) == {"http-500": 100 - served}
    assert "a failure was simulated" in report.failures[0].example


def test_a_server_that_dies_truncates_and_then_refuses(start: Start) -> None:
    """Streams in flight are cut, later requests find nobody; none is lost from the count."""
    server = start("simulator", "--served-model-name", "chat", SIMULATOR_TIME_PER_TOKEN="0.2")
    killer = threading.Thread(target=kill_at_work, args=(server, 5))
    killer.start()
    report = measure(server.url, replace(SETTINGS, rate=10, requests=20))
    killer.join()
    found = kinds(report)
    assert found["truncated"] > 3
    assert found["refused"] > 3
    assert found.keys() <= {"truncated", "refused", "reset"}
    assert report.requests.succeeded + sum(found.values()) == 20


def kill_at_work(server: Running, requests: int) -> None:
    """Kill a server as soon as it works on so many requests."""
    deadline = time.monotonic() + 20
    while counter(server, "vllm:num_requests_running") < requests:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    server.process.kill()


def test_wrong_key_and_wrong_model_are_http_failures(simulator: Running) -> None:
    """As the server says them."""
    few = replace(SETTINGS, requests=2)
    assert kinds(measure(simulator.url, few, key="wrong")) == {"http-401": 2}
    assert kinds(measure(simulator.url, few, key=KEY, model="other")) == {"http-404": 2}


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("cut", "truncated"),
        ("unfinished", "truncated"),
        ("reset", "reset"),
        ("hang", "timeout"),
        ("page", "bad-body"),
        ("garbage", "bad-body"),
        ("oom", "error-in-stream"),
        ("moved", "http-307"),
        ("nowhere", "http-404"),
    ],
)
def test_every_failure_has_its_kind(faulty: str, behaviour: str, kind: str) -> None:
    """A status of 200 is not yet an answer."""
    report = measure(f"{faulty}/{behaviour}", replace(SETTINGS, requests=4, timeout=0.5))
    assert kinds(report) == {kind: 4}
    assert report.end_to_end.from_send is None


def test_nobody_there_is_refused_and_no_such_name_is_unreachable() -> None:
    """Two different mistakes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    few = replace(SETTINGS, requests=2)
    assert kinds(measure(f"http://127.0.0.1:{port}", few)) == {"refused": 2}
    assert kinds(measure("http://no-such-host.invalid", few)) == {"unreachable": 2}


def test_chunks_are_counted_where_the_server_does_not(faulty: str) -> None:
    """And it is said that they were."""
    report = measure(f"{faulty}/no-usage")
    assert (report.tokens.counted_by, report.tokens.prompt, report.tokens.generated) == ("chunks", None, 30)


def test_releases_that_name_themselves_are_told_apart(faulty: str) -> None:
    """--group-by works on any header."""
    report = measure(f"{faulty}/alternate", replace(SETTINGS, group_by="x-release"))
    assert [(group.name, group.succeeded) for group in report.groups] == [("3", 5), ("4", 5)]


def test_a_stall_of_a_second_shows_where_a_closed_loop_hides_it(faulty: str) -> None:
    """3 s of load with 1 s of stall: a third of the users waited. A closed loop sees one slow request."""
    report = measure(f"{faulty}/stall", replace(SETTINGS, rate=50, requests=150))
    times = report.end_to_end.from_schedule
    assert times is not None
    assert times.p90 > 0.5
    assert times.max > 0.9

    slow = closed_loop(f"{fresh(faulty)}/stall", seconds=3.0)
    assert slow[len(slow) * 98 // 100] < 0.1
    assert slow[-1] > 0.9


def closed_loop(url: str, *, seconds: float) -> list[float]:
    """Sorted latencies of one client that waits for each answer before it asks again."""
    taken = []
    end = time.monotonic() + seconds
    while (begin := time.monotonic()) < end:
        request = urllib.request.Request(f"{url}/v1/chat/completions", data=b"{}", method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            response.read()
        taken.append(time.monotonic() - begin)
    return sorted(taken)


def fresh(url: str) -> str:
    """Ask the stalling server to begin anew."""
    request = urllib.request.Request(f"{url}/stall/again", method="POST")
    with urllib.request.urlopen(request, timeout=10):
        return url


def command(url: str, *arguments: str) -> list[str]:
    """A short run by the command line."""
    return [
        *("bench", "--url", f"{url}/v1", "--model", "chat", "--api-key-env", "BENCH_KEY"),
        *("--rate", "50", "--requests", "10", "--warmup", "0s", "--max-tokens", "4", *arguments),
    ]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_KEY", KEY)
    monkeypatch.delenv("LLMCTL_ENV", raising=False)


def test_the_command_writes_json_without_the_key(
    simulator: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stdout is one document of the schema, the file the same, and the key is in neither."""
    file = tmp_path / "report.json"
    assert llmctl(command(simulator.url, "--json", "--output", str(file))) == ExitCode.OK
    out = capsys.readouterr().out
    report = msgspec.json.decode(out, type=Report)
    assert report.requests.succeeded == 10
    assert file.read_text() == out
    assert KEY not in out


def test_the_command_reads_prompts(
    simulator: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both APIs in one file; max_tokens of the line wins."""
    file = tmp_path / "prompts.jsonl"
    file.write_text(
        '{"prompt": "one two three", "max_tokens": 2}\n{"messages": [{"role": "user", "content": "four"}]}\n'
    )
    assert llmctl(command(simulator.url, "--json", "--prompts", str(file))) == ExitCode.OK
    tokens = json.loads(capsys.readouterr().out)["tokens"]
    assert (tokens["prompt"], tokens["generated"]) == (5 * 3 + 5 * counted("four"), 5 * 2 + 5 * 4)


def counted(text: str) -> int:
    """Tokens of a chat of one message, as the simulator counts."""
    from infra.embedded.image.servers.simulator.replies import parse

    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    return parse(body, chat=True, names=("chat",), max_model_len=100, seed=0).prompt_tokens


def test_exit_codes(faulty: str, capsys: pytest.CaptureFixture[str]) -> None:
    """0: done. 1: more failures than allowed. 5: nothing was measured."""
    good, bad = f"{faulty}/good", f"{faulty}/reset"
    assert llmctl(command(good, "--max-failures", "0")) == ExitCode.OK
    assert llmctl(command(bad)) == ExitCode.INCONCLUSIVE
    assert llmctl(command(bad, "--max-failures", "50")) == ExitCode.FAILED
    assert "reset" in capsys.readouterr().out


def test_ctrl_c_reports_what_was_measured(simulator: Running, tmp_path: Path) -> None:
    """Half a run is worth reading, and is told from a whole one."""
    arguments = command(simulator.url, "--json", "--requests", "100000")
    with subprocess.Popen(
        [Path(sys.executable).parent / "llmctl", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LLMCTL_STATE_DIR": str(tmp_path)},
    ) as process:
        wait_for_requests(simulator, 5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    report: dict[str, Any] = json.loads(out)
    assert process.returncode == ExitCode.INCONCLUSIVE, err
    assert report["interrupted"]
    assert report["requests"]["succeeded"] >= 5
    assert report["failures"] == []


def wait_for_requests(server: Running, more: int) -> None:
    """Until a server has served so many more."""
    name = "vllm:request_success_total"
    target = counter(server, name) + more
    deadline = time.monotonic() + 20
    while counter(server, name) < target:
        assert time.monotonic() < deadline
        time.sleep(0.05)
