"""A scratch project with a cloud of its own, for benchmarks of what is deployed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.embedded.client import Cloud

LLMCTL = str(Path(sys.executable).parent / "llmctl")


@contextmanager
def scratch_project(name: str, environment: str) -> Iterator[Cloud]:
    """Work in a deployed project with this environment file, and leave no cloud behind."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "environments").mkdir()
        (Path(folder) / "environments" / f"{name}.yaml").write_text(environment)
        os.environ["LLMCTL_STATE_DIR"] = str(Path(folder) / "state")
        os.chdir(folder)
        try:
            llmctl("deploy", "--env", name, "--yes")
            cloud = Cloud.locate(name)
            assert cloud
            yield cloud
        finally:
            llmctl("local", "down", name)
            os.chdir("/")


def llmctl(*arguments: str) -> str:
    """Run a command that must succeed; what it wrote to stdout."""
    done = subprocess.run([LLMCTL, *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode()
