"""The command line of `docker run`, as far as the embedded cloud has it.

Options that have no meaning without containers (memory, GPUs) are accepted when ignoring them can't change
what the server does; every other unknown option is refused in docker's own words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_WITHOUT_VALUE = {"rm"}
_WITH_VALUE = {
    "name",
    "network",
    "gpus",
    "env",
    "env-file",
    "volume",
    "shm-size",
    "ipc",
    "ulimit",
    "stop-timeout",
    "log-driver",
    "pull",
}
_SHORT = {"-e": "env", "-v": "volume"}
_ALIASES = {"net": "network"}


class DockerError(Exception):
    """An error of docker's, with its exit code."""

    def __init__(self, message: str, code: int = 125) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one `docker run` asks for."""

    image: str
    arguments: tuple[str, ...]
    remove: bool = False
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values by long name, in the order given."""

    def last(self, option: str) -> str | None:
        """The option's last value, which wins."""
        return self.options.get(option, (None,))[-1]


def parse_run(arguments: Sequence[str]) -> Run:
    """Read what follows `docker run`; raises DockerError as docker would."""
    options: dict[str, tuple[str, ...]] = {}
    remaining = list(arguments)
    while remaining and remaining[0].startswith("-"):
        name, value = _next_option(remaining)
        options[name] = (*options.get(name, ()), value)
    if not remaining:
        raise DockerError("docker: 'docker run' requires at least 1 argument.", 1)
    network = options.get("network", ("bridge",))[-1]
    if network != "host":
        raise DockerError(f"docker: network {network!r} is not emulated here; use --network host.")
    return Run(image=remaining[0], arguments=tuple(remaining[1:]), remove="rm" in options, options=options)


def container_environment(run: Run, host: Mapping[str, str]) -> dict[str, str]:
    """The variables given to the container: files first, then --env, where a bare name copies the host's."""
    found: dict[str, str] = {}
    for path in run.options.get("env-file", ()):
        lines = (line.strip() for line in _read(path).splitlines())
        for line in (line for line in lines if line and not line.startswith("#")):
            _add(found, line, host)
    for item in run.options.get("env", ()):
        _add(found, item, host)
    return found


def volumes(run: Run, root: Path) -> list[tuple[Path, str]]:
    """Pairs of a folder of this machine and its place in the container; host paths are below `root`."""
    pairs = []
    for volume in run.options.get("volume", ()):
        host, separated, rest = volume.partition(":")
        if not separated or not rest.startswith("/"):
            raise DockerError(f"docker: invalid volume specification: '{volume}'.")
        pairs.append((_on_this_machine(host, root), rest.partition(":")[0]))
    return pairs


def _next_option(remaining: list[str]) -> tuple[str, str]:
    """Take one option with its value off the front."""
    word = remaining.pop(0)
    if word[:2] in _SHORT and not word.startswith("--"):
        name, attached, value = _SHORT[word[:2]], len(word) > 2, word[2:].removeprefix("=")
    else:
        raw, assigned, value = word.removeprefix("--").partition("=")
        name, attached = _ALIASES.get(raw, raw), bool(assigned)
    if not word.startswith("--") and word[:2] not in _SHORT:
        raise DockerError(f"unknown shorthand flag: {word[1:2]!r} in {word}\nSee 'docker run --help'.")
    if name in _WITHOUT_VALUE:
        return name, value
    if name not in _WITH_VALUE:
        raise DockerError(
            f"unknown flag: --{name}\nSee 'docker run --help'. (The embedded cloud knows a few.)"
        )
    if not attached:
        if not remaining:
            raise DockerError(f"flag needs an argument: --{name}\nSee 'docker run --help'.")
        value = remaining.pop(0)
    return name, value


def _add(found: dict[str, str], item: str, host: Mapping[str, str]) -> None:
    name, assigned, value = item.partition("=")
    if assigned:
        found[name] = value
    elif name in host:
        found[name] = host[name]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as error:
        raise DockerError(f"docker: open {path}: {error.strerror}.") from error


def _on_this_machine(host: str, root: Path) -> Path:
    if not host.startswith("/"):
        return root / "var/lib/docker/volumes" / host
    given = Path(host)
    return given if given.is_relative_to(root) else root / host.lstrip("/")
