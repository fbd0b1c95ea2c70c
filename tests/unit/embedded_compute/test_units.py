"""Service files are read and commands expanded as systemd does."""

import math
from pathlib import Path

import pytest

from infra.embedded.image.supervisor import is_clean, resolve, restarts
from infra.embedded.image.units import KillMode, Restart, UnitError, parse, parse_environment_file, seconds

TEXT = """
[Unit]
Description=An agent
After=network-online.target
StartLimitIntervalSec=0

[Service]
# a comment
ExecStart=/usr/bin/env python3 ${INSTANCE_ROOT}/opt/agent \\
  --flag "two words" $MANY $$5 100%%
Environment=A=1 "B=two words"
Environment=C=3
EnvironmentFile=-/etc/optional
EnvironmentFile=/etc/needed
Restart=always
RestartSec=2min 500ms
TimeoutStopSec=150
KillMode=mixed
Nice=5

[Install]
WantedBy=multi-user.target
"""


def test_a_typical_unit() -> None:
    """Repeated keys, continuation lines, quotes, optional files and time spans mean what they mean on AWS."""
    unit = parse("agent.service", TEXT)
    assert unit.environment == {"A": "1", "B": "two words", "C": "3"}
    assert unit.environment_files == (("/etc/optional", False), ("/etc/needed", True))
    assert (unit.restart, unit.restart_seconds, unit.stop_seconds) == (Restart.ALWAYS, 120.5, 150)
    assert (unit.kill_mode, unit.start_limit_seconds) == (KillMode.MIXED, 0)
    assert unit.warnings == ("agent.service: Nice= in [Service] is not emulated; ignored",)


def test_expansion() -> None:
    """${X} stays one word, a word $X is split, an unknown variable is empty, $$ and %% are escapes."""
    words = parse("a", TEXT).expanded({"INSTANCE_ROOT": "/r with blank", "MANY": "x y"})
    assert words[2:] == ["/r with blank/opt/agent", "--flag", "two words", "x", "y", "$5", "100%"]
    assert parse("a", TEXT).expanded({})[2:] == ["/opt/agent", "--flag", "two words", "$5", "100%"]


def test_an_empty_assignment_resets() -> None:
    """Environment= without a value forgets the earlier ones."""
    unit = parse("a", "[Service]\nExecStart=x\nEnvironment=A=1\nEnvironment=\nEnvironment=B=2\n")
    assert unit.environment == {"B": "2"}


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("Type=forking\nExecStart=x", "Type=forking is not emulated"),
        ("", "exactly one ExecStart"),
        (
            "ExecStart=x\nRestart=sometimes",
            "Restart=sometimes is not emulated; allowed: no, always, on-failure",
        ),
        ("ExecStart=x\nTimeoutStopSec=soon", "'soon' is not a time span"),
        ("ExecStart=x\nTimeoutStopSec=3 weeks", "unknown time unit 'weeks'"),
        ("ExecStart='x", "No closing quotation"),
        ("ExecStart=x\nEnvironment=A", "is not NAME=value"),
        ("ExecStart=x\nnonsense", "not a directive: 'nonsense'"),
    ],
)
def test_refusals(service: str, message: str) -> None:
    """A unit that would behave otherwise here is refused, not run somehow."""
    with pytest.raises(UnitError, match=message):
        parse("a.service", f"[Service]\n{service}\n")


def test_infinity() -> None:
    """TimeoutStopSec=infinity waits forever."""
    assert seconds("infinity") == math.inf


def test_environment_file() -> None:
    """Quotes are taken off, comments skipped."""
    assert parse_environment_file("# c\nA=1\nB='x y'\n\n; d\nbad\n") == {"A": "1", "B": "x y"}


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [
        (Restart.ALWAYS, 0, True),
        (Restart.ON_FAILURE, 0, False),
        (Restart.ON_FAILURE, 1, True),
        (Restart.ON_FAILURE, -9, True),
        (Restart.ON_FAILURE, -15, False),
        (Restart.NO, 1, False),
    ],
)
def test_restart_policy(policy: Restart, code: int, again: bool) -> None:
    """A service ended by SIGTERM counts as clean, one killed otherwise as failed."""
    assert restarts(policy, code) is again
    assert is_clean(-15)


def test_programs_are_found_where_the_instance_has_them(tmp_path: Path) -> None:
    """A path below the root comes first; /usr/bin/docker means the image's docker, found on the PATH."""
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt/run").touch()
    assert resolve(tmp_path, ["/opt/run", "x"]) == [f"{tmp_path}/opt/run", "x"]
    assert resolve(tmp_path, [f"{tmp_path}/opt/run"]) == [f"{tmp_path}/opt/run"]
    assert resolve(tmp_path, ["/usr/bin/docker", "ps"]) == ["docker", "ps"]
    assert resolve(tmp_path, ["sleep"]) == ["sleep"]
