"""A good release and a bad one, under constant traffic: the first is promoted, the second taken back.

Everything happens on this machine, on the embedded cloud. Works on a copy of `environments/canary.yaml`,
because `llmctl upgrade --set` changes the file. `--keep` leaves everything running, to look around.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LLMCTL = str(Path(sys.executable).parent / "llmctl")
ENVIRONMENT = "canary"
MODEL = "chat"
REQUESTS_PER_SECOND = "30"
PROMOTED, ROLLED_BACK = 0, 4


def main() -> None:
    """Deploy, upgrade twice under load, and tell what the clients saw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="Leave the environment running.")
    keep = parser.parse_args().keep
    folder = Path(tempfile.mkdtemp(prefix="llmctl-canary-"))
    shutil.copytree(Path(__file__).parent / "environments", folder / "environments")
    print(f"Working in {folder}. To watch from a second terminal:\n")
    print(f"    cd {folder} && {LLMCTL} rollout status --env {ENVIRONMENT} {MODEL} -w\n")
    try:
        rehearse(folder)
    finally:
        if keep:
            print(f"\nTake it down with: cd {folder} && {LLMCTL} destroy --env {ENVIRONMENT} --yes")
        else:
            llmctl(folder, "local", "down", ENVIRONMENT, check=False)


def rehearse(folder: Path) -> None:
    """The story itself."""
    title("Release 1 is deployed")
    llmctl(folder, "deploy", "--env", ENVIRONMENT, "--yes")
    with traffic(folder):
        title("Release 2 is good: it takes over step by step")
        upgrade(folder, "engine.version=2", ends=PROMOTED)
        title("Release 3 fails one request in five: it is caught at the first step, and taken back")
        upgrade(folder, "engine.version=3", "engine.args.error-rate=0.2", ends=ROLLED_BACK)
    title("What happened")
    llmctl(folder, "rollout", "history", "--env", ENVIRONMENT, MODEL)
    report = folder / "report.html"
    llmctl(folder, "rollout", "report", "--env", ENVIRONMENT, MODEL, "--output", str(report))
    requests = json.loads((folder / "bench.json").read_text())["requests"]
    print(
        f"\n{requests['succeeded']} requests answered, {requests['failed']} failed: the share of release 3."
    )
    print(f"The rollback as a page: {report}")


def upgrade(folder: Path, *settings: str, ends: int) -> None:
    """Change the file and roll it out; leaves with an error if that ends in another way than it should."""
    options = [option for setting in settings for option in ("--set", setting)]
    code = llmctl(folder, "upgrade", "--env", ENVIRONMENT, MODEL, *options, "--yes", check=False)
    if code != ends:
        sys.exit(f"this rollout should have ended with exit code {ends}, and ended with {code}")


@contextmanager
def traffic(folder: Path) -> Iterator[None]:
    """Constant traffic from clients that know nothing of rollouts; counted in bench.json."""
    load = ["--rate", REQUESTS_PER_SECOND, "--duration", "30m", "--warmup", "0s", "--max-tokens", "8"]
    with (folder / "bench.log").open("w") as log:
        clients = subprocess.Popen(
            [LLMCTL, "bench", MODEL, "--env", ENVIRONMENT, *load, "--output", "bench.json"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            clients.send_signal(signal.SIGINT)
            clients.wait(timeout=120)


def llmctl(folder: Path, *arguments: str, check: bool = True) -> int:
    """Run a command as a person would, and show it; leaves with its exit code if it fails."""
    print(f"$ llmctl {' '.join(arguments)}", flush=True)
    code = subprocess.run([LLMCTL, *arguments], cwd=folder, check=False).returncode
    if check and code != 0:
        sys.exit(code)
    return code


def title(text: str) -> None:
    """What comes next."""
    print(f"\n== {text}\n", flush=True)


if __name__ == "__main__":
    main()
