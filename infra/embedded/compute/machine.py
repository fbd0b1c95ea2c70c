"""One instance's machine: its root folder, its environment and its first process."""

import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from infra.embedded import processes
from infra.embedded.aws.views import Instance
from infra.embedded.compute.decisions import Running
from infra.embedded.image.init import FINISHED, USER_DATA

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_METADATA_PATIENCE = "5"


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """What every machine of a cloud has in common."""

    directory: Path
    """The cloud's folder; also the mark of its processes."""
    bin_folder: Path
    api_url: str
    metadata_port: int
    cache: Path
    """Where stand-ins keep what is slow to fetch, such as weights; outlives clouds."""

    def root(self, instance_id: str) -> Path:
        """An instance's root folder."""
        return self.directory / "instances" / instance_id

    def console(self, instance_id: str) -> Path:
        """An instance's console log, which outlives the instance."""
        return self.directory / "console" / f"{instance_id}.log"


@dataclass(kw_only=True)
class Machine:
    """A started machine. Times in epoch seconds."""

    instance: Instance
    address: str
    root: Path
    process: "subprocess.Popen[bytes]"
    interrupted_at: float | None = None
    kill_at: float | None = None
    cause: str | None = field(default=None)
    parked: bool = False
    """Stopped, and kept."""

    @property
    def init(self) -> int:
        """The process id of its first process."""
        return self.process.pid

    def observe(self) -> Running:
        """Its state now; also collects its first process's exit."""
        return Running(
            alive=self.process.poll() is None,
            interrupted_at=self.interrupted_at,
            kill_at=self.kill_at,
            cause=self.cause,
            parked=self.parked,
        )

    @property
    def phase(self) -> str:
        """booting, running, interrupted, stopping, stopped or dead: for people."""
        if self.parked:
            return "stopped"
        if self.process.poll() is not None:
            return "dead"
        if self.kill_at is not None:
            return "stopping"
        if self.interrupted_at is not None:
            return "interrupted"
        return "running" if (self.root / FINISHED).exists() else "booting"

    def shut_down(self, kill_at: float) -> None:
        """Ask it to end, and note until when to wait."""
        self.kill_at = kill_at
        if self.process.poll() is None:
            processes.send(self.process.pid, signal.SIGTERM)

    def kill(self, cause: str) -> None:
        """Kill everything that runs on it, at once."""
        self.cause = self.cause or cause
        processes.kill_marked(processes.INSTANCE_MARK, str(self.root))

    def park(self) -> None:
        """Kill what is left of it, and keep its root folder."""
        processes.kill_marked(processes.INSTANCE_MARK, str(self.root))
        self.process.wait()
        self.parked = True

    def dispose(self) -> None:
        """Kill what is left of it and delete its root folder."""
        processes.kill_marked(processes.INSTANCE_MARK, str(self.root))
        self.process.kill()  # just started, it may not carry its mark yet
        self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


def boot(instance: Instance, address: str, cloud: Cloud) -> Machine:
    """Create the root folder with the user data, unless it is there, and start the first process.

    Main thread only.
    """
    root = cloud.root(instance.id)
    user_data = root / USER_DATA
    user_data.parent.mkdir(parents=True, exist_ok=True)
    user_data.write_bytes(instance.user_data)
    for folder in ("root", "tmp"):
        (root / folder).mkdir(exist_ok=True)
    console = cloud.console(instance.id)
    console.parent.mkdir(parents=True, exist_ok=True)
    with console.open("ab") as output:
        process = processes.spawn(
            [sys.executable, "-I", "-m", "infra.embedded.image.init"],
            environment=environment(instance, address, cloud),
            directory=root,
            output=output,
            death_signal=signal.SIGHUP,  # lets it take all of its processes with it
        )
    return Machine(instance=instance, address=address, root=root, process=process)


def environment(instance: Instance, address: str, cloud: Cloud) -> dict[str, str]:
    """All that a machine's processes find in their environment: nothing of the host's user."""
    root = cloud.root(instance.id)
    return {
        "PATH": f"{cloud.bin_folder}:{_SYSTEM_PATH}",
        "LANG": "C.UTF-8",
        "HOME": str(root / "root"),
        "TMPDIR": str(root / "tmp"),
        processes.CLOUD_MARK: str(cloud.directory),
        processes.INSTANCE_MARK: str(root),
        "INSTANCE_ADDRESS": address,
        "EMBEDDED_CACHE": str(cloud.cache),
        "AWS_REGION": instance.region,
        "AWS_DEFAULT_REGION": instance.region,
        "AWS_ENDPOINT_URL": cloud.api_url,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{address}:{cloud.metadata_port}/",
        # Many machines share one computer here: the SDK's one second is too short on a busy one.
        "AWS_METADATA_SERVICE_TIMEOUT": _METADATA_PATIENCE,
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS": _METADATA_PATIENCE,
    }
