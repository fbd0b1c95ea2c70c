"""Kills Terraform's apply after every single resource, destroys, and looks whether anything is left.

    python -m benchmarks.teardown [--every N] [--first K] [--last K]

An environment with a domain, functions, samples and alarms in an emulated account: 130 resources, a minute or
two for each kill. `--every 10` takes every tenth. Ends with 1 when anything was left after any of them.
"""

import argparse
import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path

from tests.functional.teardown.rig import Rig, empty_account, rig


def main() -> int:
    """Sweep; one line for each kill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--last", type=int, default=10_000, help="default: until an apply completes")
    asked = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as folder, rig(Path(folder)) as made:
        for after in range(asked.first, asked.last + 1, asked.every):
            crashed, left = _once(made, after)
            if left:
                failed.append(after)
            if not crashed:
                break
    sys.stdout.write(f"left something: {failed or 'never'}\n")
    return 1 if failed else 0


def _once(made: Rig, after: int) -> tuple[bool, int]:
    """Whether it came to the kill, and how many resources were left."""
    began = time.monotonic()
    empty_account(made)
    with contextlib.redirect_stderr(io.StringIO()):
        crashed, created = made.crash(after)
        there = len(made.exists())
        left = len(made.destroy()) + len(made.exists())
    seconds = time.monotonic() - began
    sys.stdout.write(
        f"killed after {created:3}: {there:3} existed, {left} left ({seconds:.0f} s)\n"
        if crashed
        else f"completed {created:3}: {there:3} existed, {left} left ({seconds:.0f} s)\n"
    )
    sys.stdout.flush()
    return crashed, left


if __name__ == "__main__":
    sys.exit(main())
