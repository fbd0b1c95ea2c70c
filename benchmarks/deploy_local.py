"""How long from nothing to a real token on the embedded cloud, beside Terraform alone on the same stack.

    python -m benchmarks.deploy_local

Runs `llmctl deploy` with the shipped local environment in a scratch project with a cloud of its own, asks the
model for one token through the load balancer, and tears everything down. Then it starts a fresh cloud and
times a bare `terraform plan` and `terraform apply` of the same configuration, already initialised. The
difference is what llmctl adds: starting the cloud, synthesis, init, the cold start of the replicas, and
waiting for the balancer.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.context import open_workspace
from infra.terraform.events import Event

LLMCTL = str(Path(sys.executable).parent / "llmctl")
SHIPPED = Path(__file__).parents[1] / "environments" / "local.yaml"
NAME = "bench"


def main() -> None:
    """Print seconds and their ratio."""
    with scratch_project():
        deploy = deploy_to_token()
        llmctl("destroy", "--env", NAME, "--yes")
        llmctl("local", "down", NAME)
        bare = bare_terraform()
    print(f"llmctl deploy, from nothing to a real token  {deploy:6.1f} s")
    print(f"bare terraform plan + apply                  {bare:6.1f} s")
    print(f"llmctl's own overhead                        {deploy - bare:6.1f} s   ratio {deploy / bare:.2f}")


@contextmanager
def scratch_project() -> Iterator[None]:
    """Work in a project of its own, and leave no cloud behind."""
    with tempfile.TemporaryDirectory() as folder:
        environments = Path(folder) / "environments"
        environments.mkdir()
        text = SHIPPED.read_text().replace("environment: local", f"environment: {NAME}")
        (environments / f"{NAME}.yaml").write_text(text)
        os.environ["LLMCTL_STATE_DIR"] = str(Path(folder) / "state")
        os.chdir(folder)
        try:
            yield
        finally:
            llmctl("local", "down", NAME)
            os.chdir("/")


def llmctl(*arguments: str) -> str:
    """Run a command; what it wrote to stdout."""
    return subprocess.run(
        [LLMCTL, *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout


def deploy_to_token() -> float:
    """Seconds from an empty machine to the first token."""
    begin = time.monotonic()
    model = json.loads(llmctl("deploy", "--env", NAME, "--yes", "--json"))["models"][0]
    request = urllib.request.Request(
        f"{model['url']}/completions",
        data=json.dumps(
            {"model": model["name"], "prompt": "The capital of France is", "max_tokens": 1}
        ).encode(),
        headers={
            "Authorization": f"Bearer {llmctl('api-key', '--env', NAME).strip()}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["usage"]["completion_tokens"] == 1
    return time.monotonic() - begin


def bare_terraform() -> float:
    """Seconds of plan and apply as one would type them, in a directory that is ready for them."""
    workspace = open_workspace(NAME, starts_cloud=True)
    with workspace.terraform(_ignore) as terraform:
        begin = time.monotonic()
        for command in (["plan", "-input=false", "-out=bare"], ["apply", "-input=false", "bare"]):
            subprocess.run(
                [*terraform.executable.command, *command],
                cwd=terraform.directory.stack,
                env=terraform.process_environment(),
                check=True,
                stdout=subprocess.DEVNULL,
            )
        return time.monotonic() - begin


def _ignore(event: Event) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    main()
