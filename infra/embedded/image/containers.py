"""The containers of an instance: a record each in a folder, and the process that the record names.

A container is its server's process, identified by id and start time: a reused id is never taken for it.
"""

import json
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.embedded import processes
from infra.embedded.image.docker_arguments import DockerError

_FOLDER = "run/docker"
_POLL_SECONDS = 0.05
_KILL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container."""

    name: str
    image: str
    pid: int
    started: int
    """The process's start time, see `processes.start_time`."""
    remove: bool
    """Whether its name is free again as soon as it ends."""
    stop_seconds: float

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return processes.start_time(self.pid) == self.started


class Containers:
    """The records below an instance's root."""

    def __init__(self, root: Path) -> None:
        self._folder = root / _FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)

    def add(self, container: Container) -> None:
        """Record a container; raises DockerError when its name is taken."""
        existing = self.find(container.name)
        if existing is not None and (existing.running or not existing.remove):
            raise DockerError(
                f'docker: Error response from daemon: Conflict. The container name "/{container.name}" '
                "is already in use. You have to remove (or rename) it to be able to reuse that name."
            )
        temporary = self._folder / f".{container.name}.{container.pid}"
        temporary.write_text(json.dumps(asdict(container)))
        temporary.replace(self._path(container.name))

    def find(self, name: str) -> Container | None:
        """The container of that name, running or ended."""
        try:
            return Container(**json.loads(self._path(name).read_text()))
        except FileNotFoundError:
            return None

    def get(self, name: str) -> Container:
        """The container of that name; raises DockerError when there is none."""
        found = self.find(name)
        if found is None or (found.remove and not found.running):
            raise DockerError(f"Error response from daemon: No such container: {name}", 1)
        return found

    def all(self) -> list[Container]:
        """Those that docker would know: running, or ended and not removed."""
        names = sorted(path.stem for path in self._folder.glob("*.json"))
        found = [container for name in names if (container := self.find(name)) is not None]
        return [container for container in found if container.running or not container.remove]

    def stop(self, container: Container, seconds: float) -> None:
        """SIGTERM, then SIGKILL after `seconds`."""
        if container.running:
            processes.send(container.pid, signal.SIGTERM)
            self._wait(container, seconds)
        self.kill(container)

    def kill(self, container: Container) -> None:
        """SIGKILL it if it runs, and wait until it is gone."""
        if container.running:
            processes.send(container.pid, signal.SIGKILL)
            self._wait(container, _KILL_SECONDS)

    def remove(self, container: Container) -> None:
        """Forget it."""
        self._path(container.name).unlink(missing_ok=True)

    def _wait(self, container: Container, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while container.running and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)  # another process's child: it can only be looked at

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
