"""What `llmctl plan` adds to Terraform's own plan of the same stack.

    python -m benchmarks.plan

Deploys the shipped local environment on a cloud of its own, changes the file, and plans it a few times, by
turns with a bare `terraform plan` in the same, initialised directory. llmctl's part is synthesis, init, and
reading, pricing and judging the plan.
"""

import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.scratch import LLMCTL, scratch_project
from cli.context import open_workspace

NAME = "bench"
SHIPPED = Path(__file__).parents[1] / "environments" / "local.yaml"
TIMES = 5


def main() -> None:
    """Print seconds and their ratio."""
    text = SHIPPED.read_text().replace("environment: local", f"environment: {NAME}")
    with scratch_project(NAME, text):
        file = Path("environments") / f"{NAME}.yaml"
        file.write_text(text.replace("max: 4", "max: 6"))
        ours, bare = zip(*((plan(), bare_plan()) for _ in range(TIMES)), strict=True)
    took, alone = statistics.median(ours), statistics.median(bare)
    print(f"llmctl plan           {took:5.1f} s   (median of {TIMES})")
    print(f"bare terraform plan   {alone:5.1f} s")
    print(f"llmctl's own part     {took - alone:5.1f} s   ratio {took / alone:.2f}")


def plan() -> float:
    """Seconds of a plan with changes."""
    begin = time.monotonic()
    done = subprocess.run([LLMCTL, "plan", "--env", NAME], check=False, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    return time.monotonic() - begin


def bare_plan() -> float:
    """Seconds of `terraform plan` as one would type it, in a directory that is ready for it."""
    workspace = open_workspace(NAME)
    with workspace.terraform(lambda event: None) as terraform:
        command = [*terraform.executable.command, "plan", "-input=false", "-out=bare"]
        begin = time.monotonic()
        subprocess.run(
            command,
            cwd=terraform.directory.stack,
            env=terraform.process_environment(),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.monotonic() - begin


if __name__ == "__main__":
    main()
