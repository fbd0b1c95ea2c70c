"""`docker` on an emulated instance: runs the local server that stands in for an image.

`docker run` *becomes* the server, so signals, output and exit code need no forwarding, and the server dies
with whoever ran docker. It says on standard error which server stands in: nobody should take a simulator for
a model.
"""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from infra.embedded import launcher, processes
from infra.embedded.image.containers import Container, Containers
from infra.embedded.image.docker_arguments import (
    DockerError,
    Run,
    container_environment,
    parse_run,
    volumes,
)
from infra.embedded.image.registry import Server, server_for

VOLUMES = "CONTAINER_VOLUMES"
"""Tells the server its mounts: `folder of this machine:path in the container`, separated by commas."""

_INHERITED = (
    processes.CLOUD_MARK,
    processes.INSTANCE_MARK,
    "INSTANCE_ADDRESS",
    "INVOCATION_ID",
    "EMBEDDED_CACHE",
)
_DEFAULT_STOP_SECONDS = 10.0
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def pull(arguments: list[str], containers: Containers) -> int:
    """`docker pull IMAGE`: succeeds for the images that a server stands in for."""
    del containers
    (image,) = _only_words(arguments, 1)
    server = _server(image, 1)
    sys.stdout.write(f"{image}: nothing to download in the embedded cloud: {server.description}\n")
    return 0


def run(arguments: list[str], containers: Containers) -> NoReturn:
    """`docker run [OPTIONS] IMAGE [ARGS]`: becomes the server."""
    request = parse_run(arguments)
    server = _server(request.image, 125)
    root = Path(os.environ[processes.INSTANCE_MARK])
    environment = _environment(request, root)
    _die_with_caller(root)
    containers.add(_container(request))
    sys.stderr.write(f"embedded cloud: {request.image} is not run; in its place: {server.description}\n")
    sys.stderr.flush()
    command = [sys.executable, "-I", "-u", "-m", server.module, *server.arguments, *request.arguments]
    os.execve(sys.executable, command, environment)  # noqa: S606 - becoming the server is the purpose


def stop(arguments: list[str], containers: Containers) -> int:
    """`docker stop [-t SECONDS] NAME...`."""
    seconds = None
    if arguments[:1] and arguments[0] in {"-t", "--time", "--timeout"}:
        seconds, arguments = float(arguments[1]), arguments[2:]
    for name in _only_words(arguments):
        container = containers.get(name)
        containers.stop(container, container.stop_seconds if seconds is None else seconds)
        sys.stdout.write(f"{name}\n")
    return 0


def kill(arguments: list[str], containers: Containers) -> int:
    """`docker kill NAME...`."""
    for name in _only_words(arguments):
        container = containers.get(name)
        if not container.running:
            raise DockerError(f"Error response from daemon: container {name} is not running", 1)
        containers.kill(container)
        sys.stdout.write(f"{name}\n")
    return 0


def remove(arguments: list[str], containers: Containers) -> int:
    """`docker rm [-f] NAME...`."""
    force = arguments[:1] in (["-f"], ["--force"])
    for name in _only_words(arguments[1:] if force else arguments):
        container = containers.get(name)
        if container.running and not force:
            raise DockerError(
                f"Error response from daemon: cannot remove container {name!r}: container is running: "
                "stop the container before removing or force remove",
                1,
            )
        containers.kill(container)
        containers.remove(container)
        sys.stdout.write(f"{name}\n")
    return 0


def list_containers(arguments: list[str], containers: Containers) -> int:
    """`docker ps [-a] [-q]`."""
    flags = set(arguments)
    if unknown := sorted(flags - {"-a", "--all", "-q", "--quiet", "-aq"}):
        raise DockerError(f"unknown flag: {unknown[0]}\nSee 'docker ps --help'.", 125)
    everything = bool(flags & {"-a", "--all", "-aq"})
    shown = [container for container in containers.all() if everything or container.running]
    if flags & {"-q", "--quiet", "-aq"}:
        sys.stdout.write("".join(f"{container.name}\n" for container in shown))
        return 0
    rows = [("NAMES", "IMAGE", "STATUS")]
    rows += [(item.name, item.image, "Up" if item.running else "Exited") for item in shown]
    sys.stdout.write("".join(f"{name:<30} {image:<50} {status}\n" for name, image, status in rows))
    return 0


_COMMANDS: dict[str, Callable[[list[str], Containers], int]] = {
    "pull": pull,
    "run": run,
    "stop": stop,
    "kill": kill,
    "rm": remove,
    "ps": list_containers,
}


def main() -> int:
    """Carry out one command line; the exit code is docker's."""
    command, *arguments = sys.argv[1:] or [""]
    try:
        if command not in _COMMANDS:
            known = ", ".join(_COMMANDS)
            raise DockerError(
                f"docker: '{command}' is not a command of the embedded cloud's docker ({known})."
            )
        return _COMMANDS[command](arguments, Containers(Path(os.environ[processes.INSTANCE_MARK])))
    except DockerError as error:
        sys.stderr.write(f"{error}\n")
        return error.code


def _server(image: str, code: int) -> Server:
    server = server_for(image)
    if server is None:
        raise DockerError(
            f"Error response from daemon: pull access denied for {image}, repository does not exist or may "
            "require 'docker login' (no server of the embedded cloud stands in for this image)",
            code,
        )
    return server


def _environment(request: Run, root: Path) -> dict[str, str]:
    mounts = volumes(request, root)
    for folder, _ in mounts:
        folder.mkdir(parents=True, exist_ok=True)  # as docker does
    environment = container_environment(request, os.environ)
    environment |= {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment[VOLUMES] = ",".join(f"{folder}:{inside}" for folder, inside in mounts)
    return {"PATH": os.environ["PATH"], "HOME": str(root / "root"), **environment}


def _container(request: Run) -> Container:
    pid = os.getpid()
    started = processes.start_time(pid)
    assert started is not None
    name = request.last("name") or f"container-{pid}"
    if not _NAME.fullmatch(name):
        raise DockerError(f"docker: Error response from daemon: Invalid container name ({name}).")
    return Container(
        name=name,
        image=request.image,
        pid=pid,
        started=started,
        remove=request.remove,
        stop_seconds=float(request.last("stop-timeout") or _DEFAULT_STOP_SECONDS),
    )


def _die_with_caller(root: Path) -> None:
    """Bind this process's life to its parent's, which must still be a process of the instance."""
    parent = os.getppid()
    if processes.environment_value(parent, processes.INSTANCE_MARK) != str(root):
        raise DockerError("docker: the process that ran docker is gone")
    launcher.die_with_parent(parent, signal.SIGKILL)


def _only_words(arguments: list[str], count: int | None = None) -> list[str]:
    if flags := [argument for argument in arguments if argument.startswith("-")]:
        raise DockerError(f"unknown flag: {flags[0]} (in the embedded cloud)")
    if not arguments or (count is not None and len(arguments) != count):
        raise DockerError(f"docker: requires {count or 'at least 1'} argument(s).", 1)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
