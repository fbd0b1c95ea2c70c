"""Reading the cloud's logs: the daemon's own and each instance's console."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.embedded.client import cloud_directory
from infra.errors import LlmctlError, Refused

_POLL_SECONDS = 0.3
_DAEMON_LOG = "daemon.log"
_CONSOLES = "console"


def log_file(cloud: str, instance_id: str | None = None) -> Path:
    """The daemon's log, or an instance's console log, running or not. Raises LlmctlError if there is none."""
    directory = cloud_directory(cloud)
    consoles = {path.stem: path for path in sorted((directory / _CONSOLES).glob("*.log"))}
    if instance_id is not None:
        if instance_id not in consoles:
            known = ", ".join(consoles) or "none"
            raise Refused(f"{cloud} has no console log of {instance_id}", hint=f"there are: {known}")
        return consoles[instance_id]
    path = directory / _DAEMON_LOG
    if not path.exists():
        raise LlmctlError(f"the embedded cloud {cloud!r} was never started here", hint="llmctl local up")
    return path


def read(path: Path, *, follow: bool, sleep: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """The lines of a log without their ends; with `follow`, those to come as well, without an end."""
    with path.open(errors="replace") as file:
        pending = ""
        while True:
            while line := file.readline():
                pending += line
                if pending.endswith("\n"):
                    yield pending[:-1]
                    pending = ""
            if not follow:
                break
            sleep(_POLL_SECONDS)
        if pending:
            yield pending
