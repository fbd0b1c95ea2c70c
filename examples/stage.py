"""What the examples share: a copy of the file to work on, commands as a person types them, traffic."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LLMCTL = str(Path(sys.executable).parent / "llmctl")


@dataclass(frozen=True)
class Stage:
    """A folder with the environment `name` and its file. `keep`: leave it running afterwards."""

    name: str
    folder: Path
    keep: bool

    @classmethod
    def set_up(cls, name: str, story: str | None, environments: Path) -> "Stage":
        """Copy the files, because commands may change them; `--keep` is read from the command line."""
        parser = argparse.ArgumentParser(description=story)
        parser.add_argument("--keep", action="store_true", help="Leave the environment running.")
        folder = Path(tempfile.mkdtemp(prefix=f"llmctl-{name}-"))
        shutil.copytree(environments, folder / "environments")
        return cls(name, folder, parser.parse_args().keep)

    @contextmanager
    def open(self, watch: str) -> Iterator[None]:
        """Say how to watch from a second terminal (`watch`: a command of llmctl), and clear up in the end."""
        print(f"Working in {self.folder}. To watch from a second terminal:\n")
        print(f"    cd {self.folder} && {LLMCTL} {watch}\n")
        try:
            yield
        finally:
            if self.keep:
                command = f"{LLMCTL} destroy --env {self.name} --yes"
                print(f"\nTake it down with: cd {self.folder} && {command}")
            else:
                self.llmctl("local", "down", self.name, check=False)

    def llmctl(self, *arguments: str, check: bool = True) -> int:
        """Run a command as a person would, and show it; leaves with its exit code if it fails."""
        print(f"$ llmctl {' '.join(arguments)}", flush=True)
        code = subprocess.run([LLMCTL, *arguments], cwd=self.folder, check=False).returncode
        if check and code != 0:
            sys.exit(code)
        return code

    def ask(self, *arguments: str) -> Any:
        """What a command answers with `--json`."""
        told = subprocess.run(
            [LLMCTL, *arguments, "--json"], cwd=self.folder, check=True, capture_output=True
        )
        return json.loads(told.stdout)

    @contextmanager
    def traffic(self, model: str, *, rate: int) -> Iterator[None]:
        """Constant traffic from clients that know nothing of all this; counted in bench.json at the end."""
        load = ["--rate", str(rate), "--duration", "30m", "--warmup", "0s", "--max-tokens", "8"]
        with (self.folder / "bench.log").open("w") as log:
            clients = subprocess.Popen(
                [LLMCTL, "bench", model, "--env", self.name, *load, "--output", "bench.json"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                yield
            finally:
                clients.send_signal(signal.SIGINT)
                clients.wait(timeout=120)

    def requests(self) -> dict[str, int]:
        """What the traffic came to: succeeded, failed..."""
        counted: dict[str, int] = json.loads((self.folder / "bench.json").read_text())["requests"]
        return counted


def title(text: str) -> None:
    """What comes next."""
    print(f"\n== {text}\n", flush=True)
