"""How well the dashboards' figures agree with what clients measure, with times from the engine or the proxy.

    python -m benchmarks.agreement --times engine --runs 3

Deploys the environment of the end-to-end test in a folder of its own, and prints its table for each run. Ends
with 1 when a figure is off by more than 5 %.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.agreement import ENVIRONMENT, NAME, Pair, measure, table
from tests.e2e.harness import project

TOLERANCE = 0.05


def main() -> int:
    """Measure, print, and say whether all figures agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--times", choices=("engine", "proxy"), default="proxy")
    parser.add_argument("--runs", type=int, default=1)
    wanted = parser.parse_args()
    worst: list[Pair] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        project(Path(folder), NAME, ENVIRONMENT.format(times=wanted.times)) as made,
    ):
        begun = time.monotonic()
        made.ok("deploy", "--env", NAME, "--yes")
        print(f"times: {wanted.times}; deployed in {time.monotonic() - begun:.0f} s")
        for _ in range(wanted.runs):
            pairs = measure(made)
            worst.append(max(pairs, key=lambda pair: pair.difference))
            print(table(pairs), f"\nworst: {worst[-1]}\n", flush=True)
    return 0 if all(pair.difference <= TOLERANCE for pair in worst) else 1


if __name__ == "__main__":
    sys.exit(main())
