"""Running a program to its end, line by line."""

import os
from pathlib import Path

import pytest

from infra.terraform.process import Ended, Listener, follow


class Recorder:
    """Hears everything."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.lines: list[str] = []
        self.interruptions: list[int] = []

    @property
    def listener(self) -> Listener:
        """Its ears."""
        return Listener(self.pids.append, self.lines.append, self.interruptions.append)


def _run(script: str, tmp_path: Path, recorder: Recorder) -> Ended:
    return follow(
        ["/bin/sh", "-c", script],
        directory=tmp_path,
        environment={"PATH": os.environ["PATH"], "GREETING": "hello"},
        log=tmp_path / "log",
        listener=recorder.listener,
    )


def test_every_line_is_heard(tmp_path: Path) -> None:
    """Both streams, the last line without its newline too, in the given directory and environment."""
    heard = Recorder()
    ended = _run("echo $GREETING; pwd >&2; printf 'no newline'", tmp_path, heard)
    assert ended == Ended(0, 0)
    assert heard.lines == ["hello", str(tmp_path), "no newline"]


def test_exit_codes_pass_through(tmp_path: Path) -> None:
    """Terraform's exit code 2 means something."""
    assert _run("exit 2", tmp_path, Recorder()).code == 2


def test_death_by_signal_is_told_apart(tmp_path: Path) -> None:
    """A killed program is not one that failed."""
    assert _run("kill -9 $$", tmp_path, Recorder()).code == -9


def test_it_leads_a_process_group_of_its_own(tmp_path: Path) -> None:
    """A terminal's Ctrl-C must reach Terraform once, through us, and not a second time from the terminal."""
    heard = Recorder()
    _run("cut -d' ' -f5 /proc/$$/stat", tmp_path, heard)
    assert heard.lines == [str(heard.pids[0])]


def test_an_interrupt_is_forwarded(tmp_path: Path) -> None:
    """SIGINT to us becomes one SIGINT to the program, which ends in its own way."""
    heard = Recorder()
    script = f"trap 'echo stopping; exit 1' INT; kill -INT {os.getpid()}; while :; do sleep 0.05; done"
    ended = _run(script, tmp_path, heard)
    assert ended == Ended(1, 1)
    assert heard.lines == ["stopping"]
    assert heard.interruptions == [1]


def test_the_log_is_private(tmp_path: Path) -> None:
    """What Terraform says stays with the user."""
    _run("echo x", tmp_path, Recorder())
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


def test_a_missing_program_is_an_error_of_its_own(tmp_path: Path) -> None:
    """A launcher that can't start its program fails loudly."""
    heard = Recorder()
    ended = follow(
        ["/nonexistent/terraform"],
        directory=tmp_path,
        environment={},
        log=tmp_path / "log",
        listener=heard.listener,
    )
    assert ended.code != 0
    assert any("FileNotFoundError" in line for line in heard.lines)


@pytest.mark.parametrize("signal", ["INT", "TERM"])
def test_handlers_are_restored(signal: str, tmp_path: Path) -> None:
    """After the run, signals mean to this process what they meant before."""
    import signal as signals

    number = getattr(signals, f"SIG{signal}")
    before = signals.getsignal(number)
    _run("true", tmp_path, Recorder())
    assert signals.getsignal(number) is before
