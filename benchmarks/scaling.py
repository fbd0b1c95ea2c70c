"""How long from more load to more replicas, beside what it must take: alarm time and cold start.

    python -m benchmarks.scaling

Runs at AWS's own speed, about six minutes. A scratch project with a cloud of its own deploys two replicas of
a simulated model that takes 20 s to load; `llmctl bench` then sends what four replicas are for, beginning
shortly before a whole minute. Every moment comes from the cloud's records: the alarm's, the group's
activities, the balancer's view, and the cold start as the agents measured it. The upper alarm of a target
tracking policy needs three datapoints of a minute; a load that begins within a minute may have to wait for
the end of that one first, so that up to a minute more passes. Ends with 1 when it isn't exactly four
replicas that come.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from benchmarks.scratch import LLMCTL, scratch_project
from infra.agent import catalogue
from infra.aws.session import Session
from infra.environment import names
from infra.environment.slots import Market, Slot

T = TypeVar("T")
NAME, MODEL = "bench", "chat"
GROUP = names.group(NAME, MODEL, Slot.BLUE, Market.SPOT)
FEW, MANY = 2, 4
RATE = 2
MINUTE = 60
DATAPOINTS = 3
"""That a target tracking policy's upper alarm needs, each of a minute."""
DELAY = 1.0
"""Seconds that the emulated CloudWatch waits for late data."""
LEAD = 4.0
"""Seconds before a whole minute at which the load generator is started: it needs some itself."""
PATIENCE = 420.0
ENVIRONMENT = f"""\
environment: {NAME}
provider: {{name: embedded, region: us-east-1, account: "123456789012"}}
network: {{cidr: 10.42.0.0/16}}
endpoint: {{allow_cidrs: [127.0.0.0/8], port: 8080}}
monitoring: {{interval: 5s}}
models:
  {MODEL}:
    source: hf://example/chat-7B
    engine: {{name: simulator, version: "1", env: {{SIMULATOR_STARTUP: "20"}}}}
    instances: {{types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}}
    replicas: {{min: {FEW}, max: 6}}
    scaling: {{target: 31}}    # 120 requests a minute are 3.9 times as many
"""


@dataclass(frozen=True)
class Moments:
    """When what happened, in epoch seconds; the cold start in seconds, of the slowest replica."""

    load: float
    alarm: float
    launch: float
    in_service: float
    healthy: float
    cold_start: float
    wanted: int


def main() -> int:
    """Measure, print the parts, and say whether exactly four replicas came."""
    with scratch_project(NAME, ENVIRONMENT) as cloud:
        moments = observe(Session("us-east-1", cloud.environment()))
    report(moments)
    return 0 if moments.wanted == MANY else 1


def observe(session: Session) -> Moments:
    """Put load on the model until as many replicas as it needs are healthy."""
    # Alarms count whole minutes: begun at any other moment, the same load would take up to a minute more.
    time.sleep(-(time.time() + LEAD) % MINUTE)
    with generator() as load:
        alarm = wait(lambda: alarmed(session), "the alarm")
        launch, in_service = wait(lambda: launched(session), "the new replicas are in service")
        healthy = wait(lambda: time.time() if serving(session) >= MANY else None, "they are healthy")
        cold_start = wait(lambda: slowest(session, launch), "the agents tell their cold start")
        return Moments(
            load=stop(load),
            alarm=alarm,
            launch=launch,
            in_service=in_service,
            healthy=healthy,
            cold_start=cold_start,
            wanted=desired(session),
        )


@contextmanager
def generator() -> Iterator[subprocess.Popen[bytes]]:
    """The load generator in the background."""
    command = (LLMCTL, "bench", "--env", NAME, MODEL, "--rate", str(RATE), "--duration", f"{PATIENCE:.0f}s")
    process = subprocess.Popen(
        [*command, "--warmup", "0s", "--max-tokens", "16", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def stop(load: subprocess.Popen[bytes]) -> float:
    """End the generator as Ctrl-C does; when it began to send. Raises AssertionError if a request failed."""
    load.send_signal(signal.SIGINT)
    told = json.loads(load.communicate(timeout=60)[0])
    assert told["requests"]["failed"] == 0, told["failures"]
    return datetime.fromisoformat(told["started"]).timestamp()


def wait(found: Callable[[], T | None], what: str) -> T:
    """Ask twice a second until there is an answer."""
    deadline = time.monotonic() + PATIENCE
    while (answer := found()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.5)  # nothing tells us: real clouds are polled
    return answer


def alarmed(session: Session) -> float | None:
    """When the policy's upper alarm went off."""
    answer = session.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{GROUP}-AlarmHigh")
    (alarm,) = answer["MetricAlarms"]
    return alarm["StateTransitionedTimestamp"].timestamp() if alarm["StateValue"] == "ALARM" else None


def launched(session: Session) -> tuple[float, float] | None:
    """When the first of the new replicas was launched, and when the last was in service."""
    told = session.autoscaling.describe_scaling_activities(AutoScalingGroupName=GROUP)["Activities"]
    new = [one for one in told if "triggered policy" in one["Cause"] and one["StatusCode"] == "Successful"]
    if len(new) < MANY - FEW:
        return None
    return min(one["StartTime"].timestamp() for one in new), max(one["EndTime"].timestamp() for one in new)


def serving(session: Session) -> int:
    """How many replicas the balancer finds healthy."""
    name = names.target_group(NAME, MODEL, Slot.BLUE)
    (group,) = session.elbv2.describe_target_groups(Names=[name])["TargetGroups"]
    told = session.elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    return [one["TargetHealth"]["State"] for one in told["TargetHealthDescriptions"]].count("healthy")


def slowest(session: Session, since: float) -> float | None:
    """The longest cold start, in seconds, that agents told since then; None until all new ones did."""
    answer = session.cloudwatch.get_metric_statistics(
        Namespace=catalogue.NAMESPACE,
        MetricName=catalogue.COLD_START.name,
        Dimensions=[{"Name": "environment", "Value": NAME}, {"Name": "model", "Value": MODEL}],
        StartTime=datetime.fromtimestamp(since, UTC),
        EndTime=datetime.now(UTC),
        Period=1,
        Statistics=["Maximum", "SampleCount"],
    )
    points = answer["Datapoints"]
    if sum(one["SampleCount"] for one in points) < MANY - FEW:
        return None
    return max(one["Maximum"] for one in points)


def desired(session: Session) -> int:
    """How many replicas the group wants."""
    (group,) = session.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])[
        "AutoScalingGroups"
    ]
    return group["DesiredCapacity"]


def report(at: Moments) -> None:
    """Print the parts of the way, and the ratio of the whole to what it must take."""
    whole_minute = -(-at.load // MINUTE) * MINUTE
    due = whole_minute - at.load + DATAPOINTS * MINUTE + DELAY + at.cold_start
    total = at.healthy - at.load
    print(f"load begins, until the next whole minute      {whole_minute - at.load:6.1f} s")
    print(f"until the alarm                               {at.alarm - whole_minute:6.1f} s", end="")
    print(f"   documented {DATAPOINTS} x {MINUTE} s, and {DELAY:.0f} s for late data")
    print(f"until new replicas are launched               {at.launch - at.alarm:6.1f} s   {at.wanted} wanted")
    print(f"until the last is in service                  {at.in_service - at.launch:6.1f} s", end="")
    print(f"   cold start, as its agent told {at.cold_start:.1f} s")
    print(f"until the balancer finds it healthy           {at.healthy - at.in_service:6.1f} s")
    print(f"all                                           {total:6.1f} s", end="")
    print(f"   alarm time + cold start {due:.1f} s   ratio {total / due:.2f}")


if __name__ == "__main__":
    sys.exit(main())
