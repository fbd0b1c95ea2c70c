"""How long the guardian's decisions take: a fresh process, 1,000 models with nine pools each.

Prints the cold path (interpreter, imports, observations, decisions: a function that was just started) and
what a decision takes once warm; and how many times faster that is than one call of the AWS API at 20 ms.
"""

import random
import subprocess
import sys
import time

from infra.guardian.config import GuardedModel
from infra.guardian.guardian import change
from infra.guardian.types import Activity, Group, LiveSlot, Notice, Replica
from infra.spot.types import Settings

_MODELS = 1_000
_ZONES, _TYPES = ("us-east-1a", "us-east-1b", "us-east-1c"), ("g5.xlarge", "g6.xlarge", "g6e.xlarge")
_REPLICAS, _ACTIVITIES, _NOTICES = 8, 40, 4
_NOW = 1_000_000.0
_CALL_SECONDS = 0.02


def _slot(draw: random.Random) -> LiveSlot:
    """A live slot in a bad hour: some replicas with a notice, some coming, launches that failed."""
    replicas = tuple(
        Replica(f"i-{number}", f"{draw.choice(_ZONES)}/{draw.choice(_TYPES)}", draw.random() < 0.7)
        for number in range(_REPLICAS)
    )
    activities = tuple(
        Activity(
            launch=draw.random() < 0.7,
            began=(began := _NOW - draw.uniform(0, 9000)),
            ended=began + 180,
            failed=draw.random() < 0.4,
            instance=f"i-{draw.randrange(2 * _REPLICAS)}",
            zone=draw.choice(_ZONES),
            message="InsufficientInstanceCapacity - There is no Spot capacity available.",
        )
        for _ in range(_ACTIVITIES)
    )
    notices = tuple(Notice(each.id, each.pool, _NOW - draw.uniform(0, 120)) for each in replicas[:_NOTICES])
    return LiveSlot(
        spot=Group("spot", 0, _REPLICAS, 12, replicas),
        on_demand=Group("on-demand", 0, 0, 12, ()),
        activities=activities,
        notices=notices,
        rolling=False,
    )


def decide_all() -> float:
    """Seconds that the decisions take, with all that is made of AWS's answers on the way."""
    draw = random.Random(1)
    model = GuardedModel(name="chat", zones=_ZONES, types=_TYPES, settings=Settings())
    slots = [_slot(draw) for _ in range(_MODELS)]
    began = time.perf_counter()
    changed = sum(change(model, slot, _NOW) is not None for slot in slots)
    assert changed, "nothing to decide measures nothing"
    return time.perf_counter() - began


def main() -> None:
    """Print both."""
    began = time.perf_counter()
    code = "from benchmarks.guardian import decide_all; decide_all()"
    subprocess.run([sys.executable, "-c", code], check=True)
    cold = time.perf_counter() - began
    warm = decide_all()
    print(f"cold: {cold:.2f} s from the start of a process to {_MODELS:,} models decided")
    each = warm / _MODELS
    print(f"warm: {warm:.2f} s, {each * 1e6:.0f} us each")
    print(f"one call of the AWS API of 20 ms takes as long as {_CALL_SECONDS / each:.0f} of them")


if __name__ == "__main__":
    main()
