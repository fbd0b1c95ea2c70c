"""What `llmctl plan` adds to Terraform's own plan of the same stack.

    python -m benchmarks.plan

Deploys the shipped local environment on a cloud of its own, changes the file, and plans it a few times, by
turns with Terraform's own steps in the same directory: `init`, `plan`, and `show -json`, without which nobody
reads a plan. The rest is llmctl's part: its start, synthesis, and reading, pricing and judging the plan.
"""

import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.scratch import LLMCTL, scratch_project
from cli.context import open_workspace
from infra.environment import names
from infra.terraform.runner import Backend, Terraform

NAME = "bench"
SHIPPED = Path(__file__).parents[1] / "environments" / "local.yaml"
TIMES = 5


def main() -> None:
    """Print seconds and their ratio."""
    text = SHIPPED.read_text().replace("environment: local", f"environment: {NAME}")
    with scratch_project(NAME, text):
        file = Path("environments") / f"{NAME}.yaml"
        file.write_text(text.replace("max: 4", "max: 6"))
        rounds = [(plan(), *bare()) for _ in range(TIMES)]
    took, init, alone, show = (statistics.median(times) for times in zip(*rounds, strict=True))
    own = statistics.median(each[0] - sum(each[1:]) for each in rounds)
    print(f"llmctl plan                {took:5.1f} s   (median of {TIMES})")
    print(f"  terraform init           {init:5.1f} s")
    print(f"  terraform plan           {alone:5.1f} s")
    print(f"  terraform show -json     {show:5.1f} s")
    print(f"  llmctl's own part        {own:5.1f} s   ratio to bare `terraform plan` {own / alone:.2f}")


def plan() -> float:
    """Seconds of a plan with changes."""
    begin = time.monotonic()
    done = subprocess.run([LLMCTL, "plan", "--env", NAME], check=False, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    return time.monotonic() - begin


def bare() -> tuple[float, float, float]:
    """Seconds of `terraform init`, `plan` and `show` as one would type them, where llmctl has synthesised."""
    workspace = open_workspace(NAME)
    with workspace.terraform(lambda event: None) as terraform:
        begin = time.monotonic()
        terraform.init(Backend(workspace.state_bucket.name, names.state_key(NAME), workspace.session.region))
        init = time.monotonic() - begin
        plan, show = ("plan", "-input=false", "-out=bare"), ("show", "-json", "bare")
        return init, _seconds(terraform, *plan), _seconds(terraform, *show)


def _seconds(terraform: Terraform, *arguments: str) -> float:
    begin = time.monotonic()
    subprocess.run(
        [*terraform.executable.command, *arguments],
        cwd=terraform.directory.stack,
        env=terraform.process_environment(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - begin


if __name__ == "__main__":
    main()
