"""systemd service files, as values.

The directives that services commonly need are understood; those that change nothing here (descriptions,
ordering) are accepted; others become warnings, and what would make the service behave otherwise (another
`Type=`, say) is refused. Running the service is the supervisor's business.
"""

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

_WITHOUT_EFFECT = {
    "Unit": {"Description", "Documentation", "After", "Before", "Wants", "Requires", "ConditionPathExists"},
    "Install": {"WantedBy", "RequiredBy"},
    "Service": {"StandardOutput", "StandardError", "SyslogIdentifier", "User", "Group"},
}
_UNIT_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")


E = TypeVar("E", bound=StrEnum)


class UnitError(ValueError):
    """A service file that can't be run here."""


class Restart(StrEnum):
    """When a service that ended is started again."""

    NO = "no"
    ALWAYS = "always"
    ON_FAILURE = "on-failure"


class KillMode(StrEnum):
    """Who gets the SIGTERM when a service is stopped; SIGKILL always goes to all of it."""

    CONTROL_GROUP = "control-group"
    MIXED = "mixed"


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A service. Times in seconds."""

    name: str
    command: tuple[str, ...]
    """ExecStart, split but not expanded."""
    environment: dict[str, str]
    environment_files: tuple[tuple[str, bool], ...]
    """Path and whether it must exist."""
    working_directory: str | None
    restart: Restart
    restart_seconds: float
    stop_seconds: float
    kill_mode: KillMode
    start_limit_burst: int
    start_limit_seconds: float
    warnings: tuple[str, ...]

    def expanded(self, environment: Mapping[str, str]) -> list[str]:
        """The command with variables filled in as systemd does: an unknown one is empty.

        `${NAME}` stays one word; a word that is just `$NAME` becomes as many words as its value has.
        """
        words: list[str] = []
        for word in self.command:
            if (whole := re.fullmatch(r"\$(\w+)", word)) is not None:
                words.extend(environment.get(whole[1], "").split())
            else:
                words.append(_VARIABLE.sub(lambda match: _value(match, environment), word))
        return words


def parse(name: str, text: str) -> Unit:
    """Read a service file; raises UnitError when it can't be run here."""
    directives = _directives(text)
    service = {key: values for (section, key), values in directives.items() if section == "Service"}
    unit = {key: values for (section, key), values in directives.items() if section == "Unit"}
    if (kind := _last(service, "Type", "simple")) not in {"simple", "exec"}:
        raise UnitError(f"{name}: Type={kind} is not emulated; only simple and exec are")
    commands = service.get("ExecStart", [])
    if len(commands) != 1:
        raise UnitError(f"{name}: needs exactly one ExecStart=, has {len(commands)}")
    files = service.get("EnvironmentFile", [])
    return Unit(
        name=name,
        command=tuple(_split(name, commands[0])),
        environment=_environment(name, service.get("Environment", [])),
        environment_files=tuple((path.lstrip("-"), path[0] != "-") for path in files),
        working_directory=_last(service, "WorkingDirectory", "") or None,
        restart=_choice(name, Restart, "Restart", _last(service, "Restart", "no")),
        restart_seconds=seconds(_last(service, "RestartSec", "100ms")),
        stop_seconds=seconds(_last(service, "TimeoutStopSec", "90s")),
        kill_mode=_choice(name, KillMode, "KillMode", _last(service, "KillMode", "control-group")),
        start_limit_burst=int(_last(unit, "StartLimitBurst", "5")),
        start_limit_seconds=seconds(_last(unit, "StartLimitIntervalSec", "10s")),
        warnings=tuple(_warnings(name, directives)),
    )


def seconds(text: str) -> float:
    """A systemd time span (`90`, `2min 30s`, `100ms`, `infinity`) in seconds; raises UnitError."""
    if text == "infinity":
        return math.inf
    matches = list(_TIME.finditer(text))
    if not matches or _TIME.sub("", text).strip():
        raise UnitError(f"{text!r} is not a time span")
    if unknown := [match[2] for match in matches if match[2] not in _UNIT_SECONDS]:
        raise UnitError(f"{text!r}: unknown time unit {unknown[0]!r}")
    return sum(float(match[1]) * _UNIT_SECONDS[match[2]] for match in matches)


def parse_environment_file(text: str) -> dict[str, str]:
    """`NAME=value` lines, quoted or not; comments and blank lines are skipped."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#;")
    return {key.strip(): " ".join(shlex.split(value)) for key, found, value in pairs if found}


_UNDERSTOOD = {
    "Unit": {"StartLimitBurst", "StartLimitIntervalSec"},
    "Install": set[str](),
    "Service": {
        "Type",
        "ExecStart",
        "Environment",
        "EnvironmentFile",
        "WorkingDirectory",
        "Restart",
        "RestartSec",
        "TimeoutStopSec",
        "KillMode",
    },
}


def _warnings(name: str, directives: Mapping[tuple[str, str], list[str]]) -> list[str]:
    return [
        f"{name}: {key}= in [{section}] is not emulated; ignored"
        for section, key in directives
        if key not in _UNDERSTOOD.get(section, set()) | _WITHOUT_EFFECT.get(section, set())
    ]


def _directives(text: str) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    section = ""
    for line in text.replace("\\\n", " ").splitlines():
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped.startswith("["):
            section = stripped.strip("[]")
            continue
        key, assigned, value = stripped.partition("=")
        if not assigned:
            raise UnitError(f"not a directive: {stripped!r}")
        values = found.setdefault((section, key.strip()), [])
        if value.strip():
            values.append(value.strip())
        else:
            values.clear()  # an empty assignment resets the list
    return found


def _split(name: str, line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UnitError(f"{name}: {line!r}: {error}") from error
    return [word.replace("%%", "%") for word in words]


def _environment(name: str, lines: list[str]) -> dict[str, str]:
    found = {}
    for word in (word for line in lines for word in _split(name, line)):
        key, assigned, value = word.partition("=")
        if not assigned:
            raise UnitError(f"{name}: Environment={word!r} is not NAME=value")
        found[key] = value
    return found


def _last(directives: Mapping[str, list[str]], key: str, default: str) -> str:
    values = directives.get(key)
    return values[-1] if values else default


def _choice(name: str, kind: type[E], key: str, value: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise UnitError(f"{name}: {key}={value} is not emulated; allowed: {', '.join(kind)}") from None


def _value(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match[0] == "$$":
        return "$"
    return environment.get(match[1] or match[2], "")
