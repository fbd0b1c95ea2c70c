"""Cold start of the quick commands, in seconds and as ratios measured in the same run.

    python benchmarks/cli_start.py

Ratios are against the interpreter's own start (`python -c pass`) and, where it is installed, `aws --version`.
The rounds are interleaved, so that a busy machine slows all alike. Ends with 1 when a target is missed.
"""

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 10
REPOSITORY = Path(__file__).parents[1]
LLMCTL = str(Path(sys.executable).parent / "llmctl")
BARE = "python -c pass"
AWS = "aws --version"
TARGETS = {"llmctl --help": 0.2, "llmctl validate": 0.5}
HEAVY = ("jsii", "cdktf", "boto3", "botocore", "moto")


def main() -> int:
    """Measure, print, and say whether the targets are met."""
    commands = {
        BARE: [sys.executable, "-c", "pass"],
        "llmctl --help": [LLMCTL, "--help"],
        "llmctl validate": [LLMCTL, "validate", "environments/staging.yaml"],
    }
    if aws := shutil.which("aws"):
        commands[AWS] = [aws, "--version"]
    medians = measure(commands)
    print(f"{'command':<18}{'median':>9}{'of python':>11}{'of aws':>9}{'target':>9}")
    for name, seconds in medians.items():
        of_aws = f"{seconds / medians[AWS]:.2f}x" if AWS in medians else "-"
        target = f"{TARGETS[name]} s" if name in TARGETS else ""
        print(f"{name:<18}{seconds:>7.3f} s{seconds / medians[BARE]:>10.1f}x{of_aws:>9}{target:>9}")
    heavy = {name: loaded(commands[name][1:]) for name in TARGETS}
    for name, modules in heavy.items():
        print(f"{name} loads of {', '.join(HEAVY)}: {', '.join(modules) or 'none'}")
    met = all(medians[name] < target for name, target in TARGETS.items())
    return 0 if met and not any(heavy.values()) else 1


def measure(commands: dict[str, list[str]]) -> dict[str, float]:
    """Median seconds of each command over the rounds, after one warm-up round."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS + 1):
        for name, command in commands.items():
            begin = time.perf_counter()
            subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}


def loaded(arguments: list[str]) -> list[str]:
    """Which of the heavy libraries a command line imports."""
    code = (
        "import sys; from cli.app import run; run(sys.argv[1:]); "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    return done.stderr.splitlines()[-1].split()


if __name__ == "__main__":
    sys.exit(main())
