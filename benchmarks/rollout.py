"""What an upgrade does to clients, and how fast a rollout goes forward and back.

    python -m benchmarks.rollout

Some five minutes. A scratch project with a cloud of its own deploys two replicas of a simulated model, under
an open-loop load of 100 streams and 100 whole answers a second. Three upgrades: a good one, whose p99 is
compared with that of the same load before; one without bakes, whose time is compared with one cold start; a
bad one, timed from the judgement that fails it (in the journal) to the last request that was sent to its
replicas (in the load balancer's log). The commands run with the lowest priority: elsewhere they would not
share a processor with the replicas. Ends with 1 when a request failed that the bad release did not answer.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.scratch import LLMCTL, llmctl, scratch_project
from infra.embedded.balancer.listeners import ACCESS_LOG
from infra.embedded.client import Cloud
from infra.environment import names
from infra.environment.slots import Slot

NAME, MODEL = "bench", "chat"
RATE = "100"
KINDS = ("stream", "no-stream")
QUIET = "40s"
LONGEST = "600s"
NICE = ("nice", "-n", "19")
ENVIRONMENT = f"""\
environment: {NAME}
provider: {{name: embedded, region: us-east-1, account: "123456789012"}}
network: {{cidr: 10.45.0.0/16}}
endpoint: {{allow_cidrs: [127.0.0.0/8], port: 8080}}
monitoring: {{interval: 5s}}
models:
  {MODEL}:
    source: hf://example/chat-7B
    engine: {{name: simulator, version: "1"}}
    batching: {{max_sequences: 64}}
    instances: {{types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}}
    replicas: {{min: 2, max: 4}}
    routing: {{deregistration_delay: 5s}}
    rollout:
      steps: [5, 25, 50, 100]
      bake: 12s
      propagation: 1s
      keep_previous: 1s
      patience: 2m
      gates:
        latency_p95: {{worse_by: 100, min_samples: 20}}
        ttft_p95: {{worse_by: 100, min_samples: 20}}
        tpot_p95: {{worse_by: 100, min_samples: 20}}
        error_rate: {{worse_by: 0.5, min_samples: 20}}
"""


@dataclass(frozen=True)
class Story:
    """A rollout's journal. Times in epoch seconds."""

    entries: list[dict[str, Any]]

    def entered(self, phase: str, after: float = 0.0) -> float:
        """When it came to a phase first."""
        return next(
            float(entry["at"])
            for entry in self.entries
            if entry["kind"] == "phase" and entry["status"]["phase"] == phase and entry["at"] >= after
        )

    def failed(self) -> float:
        """When a judgement failed it first."""
        return next(
            float(entry["at"])
            for entry in self.entries
            if any(verdict["answer"] == "fail" for verdict in entry["verdicts"])
        )


def main() -> int:
    """Measure and print."""
    with scratch_project(NAME, ENVIRONMENT) as cloud:
        before, during = quiet_and_good()
        slower = p99(during) / p99(before)
        told("p99 through a good upgrade", f"{p99(during):.3f} s", f"{slower:.2f} times that before it")
        lost = sum(report["requests"]["failed"] for report in during)
        sent = sum(report["requests"]["sent"] for report in during)
        told("failed meanwhile", f"{lost} of {sent}")
        achieved = min(report["rate"]["achieved"] / report["rate"]["offered"] for report in during)
        told("achieved of what was offered", f"{100 * achieved:.2f} %")
        upgrade("engine.args.ttft=0.0502", "--bake", "0s")
        took, cold = without_bakes()
        told("4 steps without bakes", f"{took:.1f} s", f"a cold start ({cold:.1f} s) + {took - cold:.1f} s")
        told("from failing to 0 % on the data plane", f"{bad(cloud):.1f} s")
    return 1 if lost else 0


def without_bakes() -> tuple[float, float]:
    """Seconds of the last rollout until it served alone, and until its replicas had started."""
    rollout = story()
    started = rollout.entered("shifting") - rollout.entered("scaling")
    return rollout.entered("keeping") - rollout.entries[0]["at"], started


def told(what: str, value: str, beside: str = "") -> None:
    """One line of the result."""
    print(f"{what:40} {value:>16}   {beside}")


def upgrade(change: str, *options: str, code: int = 0) -> None:
    """Upgrade, and expect it to end with this exit code."""
    command = [*NICE, LLMCTL, "upgrade", "--env", NAME, MODEL, "--yes", "--set", change, *options]
    ended = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if ended.returncode != code:
        raise SystemExit(f"upgrade {change} ended with {ended.returncode}: {ended.stderr.decode()}")


def story() -> Story:
    """The last rollout's."""
    return Story(json.loads(llmctl("rollout", "report", "--env", NAME, MODEL, "--json"))["entries"])


@contextmanager
def load(duration: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The load generators in the background."""
    command = [LLMCTL, "bench", "--env", NAME, MODEL, "--rate", RATE, "--duration", duration]
    processes = [
        subprocess.Popen(
            [*command, "--warmup", "2s", "--max-tokens", "8", "--json", f"--{kind}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for kind in KINDS
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def quiet_and_good() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Reports of the same load: with nothing going on, and through a whole good upgrade."""
    with load(QUIET) as processes:
        before = reports(processes)
    with load(LONGEST) as processes:
        upgrade("engine.args.ttft=0.0501")
        for process in processes:
            process.send_signal(signal.SIGINT)
        return before, reports(processes)


def reports(processes: list[subprocess.Popen[bytes]]) -> list[dict[str, Any]]:
    """What they say at their end, which comes soon."""
    return [json.loads(process.communicate()[0]) for process in processes]


def bad(cloud: Cloud) -> float:
    """Seconds from the first failing judgement to the last request that began at a bad replica."""
    with load(LONGEST):
        upgrade("engine.args.error-rate=0.3", code=4)
    rollout = story()
    status = json.loads(llmctl("rollout", "status", "--env", NAME, MODEL, "--json"))
    group = f"targetgroup/{names.target_group(NAME, MODEL, Slot(status['new']['slot']))}/"
    log = (cloud.directory / "balancer" / ACCESS_LOG).read_text().splitlines()
    lines = [json.loads(line) for line in log if group in line]
    return max(0.0, max(float(line["epoch"]) for line in lines) - rollout.failed())


def p99(found: list[dict[str, Any]]) -> float:
    """Of whole requests, from when they were due, in seconds; the worse of streams and whole answers."""
    return max(float(report["end_to_end"]["from_schedule"]["p99"]) for report in found)


if __name__ == "__main__":
    sys.exit(main())
