"""What the gates see: how often a regression is caught, and how often a good release is, by requests.

`python -m benchmarks.gates`. Made-up traffic with a fixed seed: log-normal times (sigma 0.25), independent
errors. The canary gets a quarter of the requests; one look, at the end of the bake. Compared with
the rule that people use without a test: worse than the old release by more than the margin.
"""

import random
from collections.abc import Sequence

from infra.metrics.measure import LADDER
from infra.rollout.gates import judge
from infra.rollout.measured import Distribution, Measured, Measurements, Window
from infra.rollout.types import Answer, GateSpec

TRIALS = 200
REQUESTS = (50, 100, 200, 400, 800)
"""Of the new release; the old one has three times as many."""
WINDOW = Window(since=0.0, until=1.0)
ERRORS = GateSpec(gate="error_rate", limit=None, worse_by=0.5, min_samples=50)
TIMES = GateSpec(gate="ttft_p95", limit=None, worse_by=20.0, min_samples=50)
CASES: tuple[tuple[str, GateSpec, float, float], ...] = (
    ("2 % errors, 0 before", ERRORS, 0.02, 1.0),
    ("5 % errors, 0 before", ERRORS, 0.05, 1.0),
    ("p95 + 30 %, 20 allowed", TIMES, 0.0, 1.3),
    ("p95 + 50 %, 20 allowed", TIMES, 0.0, 1.5),
    ("as good: errors", ERRORS, 0.0, 1.0),
    ("as good: p95", TIMES, 0.0, 1.0),
)


def main() -> None:
    """Print the table."""
    print(f"caught of {TRIALS} (in brackets: by the bare margin)\n")
    print("| new release | " + " | ".join(f"{count} requests" for count in REQUESTS) + " |")
    print("|---|" + "---|" * len(REQUESTS))
    for name, gate, errors, slower in CASES:
        cells = [_cell(gate, count, errors, slower) for count in REQUESTS]
        print(f"| {name} | " + " | ".join(cells) + " |")


def _cell(gate: GateSpec, count: int, errors: float, slower: float) -> str:
    draw = random.Random(count)
    caught = bare = 0
    for _ in range(TRIALS):
        old, new = _release(draw, 3 * count, 0.0, 1.0), _release(draw, count, errors, slower)
        (verdict,) = judge((gate,), Measurements(window=WINDOW, old=old, new=new), fraction=1.0)
        caught += verdict.answer is Answer.FAIL
        bare += verdict.new is not None and verdict.limit is not None and verdict.new > verdict.limit
    return f"{caught / TRIALS:.1%} ({bare / TRIALS:.0%})"


def _release(draw: random.Random, count: int, errors: float, slower: float) -> Measured:
    values = [0.2 * slower * draw.lognormvariate(0, 0.25) for _ in range(count)]
    failed = sum(draw.random() < errors for _ in range(count))
    return Measured(requests=count, errors=failed, times={"ttft": _distribution(values)})


def _distribution(values: Sequence[float]) -> Distribution:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Distribution(
        count=len(ordered), ladder=tuple((float(each), ordered[round(each / 100 * last)]) for each in LADDER)
    )


if __name__ == "__main__":
    main()
