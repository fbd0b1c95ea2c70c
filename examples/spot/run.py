"""The spot market takes one replica, then half of them, then all, and gives them back, under traffic.

Everything happens on this machine, on the embedded cloud. `--keep` leaves everything running: then be the
spot market yourself (`llmctl local interrupt`, `kill`, `market`).
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examples.stage import Stage, title

ENVIRONMENT = "spot"
MODEL = "chat"
REQUESTS_PER_SECOND = 30
NOTICE = "120s"
SPOT_REPLICAS = 4
PATIENCE_SECONDS = 300


def main() -> None:
    """Deploy, take replicas away under load, and tell what the clients saw."""
    stage = Stage.set_up(ENVIRONMENT, __doc__, Path(__file__).parent / "environments")
    with stage.open(f"events --env {ENVIRONMENT} {MODEL} --follow"):
        rehearse(stage)


def rehearse(stage: Stage) -> None:
    """The story itself."""
    title("Three replicas and an extra one, all on the spot market")
    stage.llmctl("deploy", "--env", ENVIRONMENT, "--yes")
    with stage.traffic(MODEL, rate=REQUESTS_PER_SECOND):
        title("One gets a notice: it drains, and another one is started before it is gone")
        take(stage, 1)
        title("Half of them get a notice")
        take(stage, SPOT_REPLICAS // 2)
        title("There is no spot capacity any more: the guardian replaces it on demand")
        stage.llmctl(
            "local",
            "market",
            ENVIRONMENT,
            "--zone",
            "us-east-1a=0",
            "--zone",
            "us-east-1b=0",
            "--notice",
            NOTICE,
        )
        until(
            stage,
            lambda: not serving(stage, "spot") and len(serving(stage, "on-demand")) >= SPOT_REPLICAS - 1,
        )
        title("There is spot again: on-demand is given back")
        stage.llmctl("local", "market", ENVIRONMENT, "--clear")
        until(stage, lambda: len(serving(stage, "spot")) == SPOT_REPLICAS and not serving(stage, "on-demand"))
    title("What happened")
    stage.llmctl("events", "--env", ENVIRONMENT, MODEL)
    requests = stage.requests()
    print(f"\n{requests['succeeded']} requests answered, {requests['failed']} failed.")


def take(stage: Stage, count: int) -> None:
    """Give so many spot replicas a notice, and wait until others have taken their place."""
    taken = set(sorted(serving(stage, "spot"))[:count])
    stage.llmctl("local", "interrupt", ENVIRONMENT, *sorted(taken), "--in", NOTICE)
    until(stage, lambda: len(serving(stage, "spot") - taken) == SPOT_REPLICAS)


def serving(stage: Stage, market: str) -> set[str]:
    """Instances of the healthy replicas that were bought on a market."""
    (model,) = stage.ask("status", "--env", ENVIRONMENT)["models"]
    replicas: list[dict[str, Any]] = [each for slot in model["slots"] for each in slot["replicas"]]
    return {each["id"] for each in replicas if each["market"] == market and each["phase"] == "healthy"}


def until(stage: Stage, condition: Callable[[], bool]) -> None:
    """Wait for it and show the replicas; leaves with an error if it takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"this should have happened within {PATIENCE_SECONDS} s")
        time.sleep(2)  # a person would look again, too
    stage.llmctl("status", "--env", ENVIRONMENT)


if __name__ == "__main__":
    main()
