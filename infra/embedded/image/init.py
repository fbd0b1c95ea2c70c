"""An instance's first process: boots it, then supervises its services until the instance stops.

The first boot runs cloud-init; later ones, of an instance that was stopped, start what is enabled.

`python -m infra.embedded.image.init`, with INSTANCE_ROOT in the environment and the root as working folder.
It ends on SIGTERM (shutdown: services are stopped) and on SIGHUP (its parent, the cloud, died: the power is
cut). Either way, no process of the instance outlives it.
"""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from infra.embedded import processes
from infra.embedded.compute import cloudinit
from infra.embedded.image import children, console
from infra.embedded.image.control import SOCKET, WANTS, serve
from infra.embedded.image.supervisor import Supervisor
from infra.embedded.image.units import UnitError

USER_DATA = "var/lib/cloud/instance/user-data.txt"
"""Where the user data lies below the root."""

FINISHED = "var/lib/cloud/instance/boot-finished"
"""A file that exists below the root as soon as the user data was run."""

_SCRIPT = "var/lib/cloud/instance/scripts/runcmd"


async def run(root: Path) -> None:
    """Boot, and serve until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    supervisor = Supervisor(root)
    (root / SOCKET).parent.mkdir(parents=True, exist_ok=True)
    # Relative to the working folder: the root's path may be longer than a socket's name can be.
    server = await asyncio.start_unix_server(lambda r, w: serve(root, supervisor, r, w), SOCKET)
    if (root / FINISHED).exists():
        boot = asyncio.create_task(later_boot(root, supervisor))
    else:
        boot = asyncio.create_task(first_boot(root))
    await stopped.wait()
    console.write("init", "shutting down")
    boot.cancel()
    await asyncio.gather(boot, return_exceptions=True)
    await supervisor.stop_all()
    server.close()


async def first_boot(root: Path) -> None:
    """Run the user data; what goes wrong is said on the console and, as in AWS, the instance stays up."""
    try:
        boot = cloudinit.parse((root / USER_DATA).read_bytes())
        for note in boot.notes:
            console.write("cloud-init", f"warning: {note}")
        write_files(root, boot.files)
        code = await _run_script(root, boot.script) if boot.script else 0
        console.write("cloud-init", f"finished: {len(boot.files)} files, script ended with {code}")
    except (cloudinit.UserDataError, OSError) as error:
        console.write("cloud-init", f"failed: {error}")
    (root / FINISHED).touch()


async def later_boot(root: Path, supervisor: Supervisor) -> None:
    """Start what is enabled; cloud-init runs once in the life of an instance."""
    for link in sorted((root / WANTS).glob("*.service")):
        try:
            supervisor.service(link.name).start()
        except (UnitError, OSError) as error:
            console.write("systemd", f"{link.name}: {error}")


def write_files(root: Path, files: tuple[cloudinit.File, ...]) -> None:
    """Write files below the root, with their folders."""
    for file in files:
        path = root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab" if file.append else "wb") as output:
            output.write(file.content)
        path.chmod(file.mode)


async def _run_script(root: Path, script: bytes) -> int:
    path = root / _SCRIPT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(script)
    path.chmod(0o700)
    process, copying = await children.start(
        [str(path)],
        environment=os.environ,
        directory=root,
        on_output=lambda chunk: console.write("cloud-init", chunk.decode(errors="replace")),
    )
    return await children.ended(process, copying)


def main() -> None:
    """Be the instance's first process."""
    root = Path(os.environ[processes.INSTANCE_MARK])

    def cut_power(number: int, frame: FrameType | None) -> None:
        processes.kill_marked(processes.INSTANCE_MARK, str(root))
        os._exit(1)

    signal.signal(signal.SIGHUP, cut_power)
    console.write("init", f"booting on {os.environ['INSTANCE_ADDRESS']}")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(root))
    processes.kill_marked(processes.INSTANCE_MARK, str(root))
    console.write("init", "stopped")
    sys.exit(0)


if __name__ == "__main__":
    main()
