"""How a command line ends: text on stderr, an exit code of the table, never a traceback."""

import stat
from pathlib import Path

import click
import pytest

from cli import app
from infra.errors import ExitCode, LlmctlError, Refused


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> "FailWith":
    """Makes the whole command line fail in a given way."""
    return FailWith(monkeypatch)


class FailWith:
    """Replaces what `run` invokes with a command that raises."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, error: BaseException) -> int:
        """Run the failing command line; returns its exit code."""

        @click.command()
        def command() -> None:
            raise error

        self._monkeypatch.setattr(app, "llmctl", command)
        return app.run([])


def test_an_error_is_its_message_its_hint_and_its_code(
    failing: FailWith, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure says what went wrong and what to do on stderr, and ends with the error's own code."""
    code = failing(LlmctlError("the lock is held", hint="wait for the other deploy", code=ExitCode.CONFLICT))
    out, err = capsys.readouterr()
    assert code == ExitCode.CONFLICT
    assert out == ""
    assert err == "error: the lock is held\nhint:  wait for the other deploy\n"


def test_an_error_without_a_hint_has_no_empty_hint(
    failing: FailWith, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hint line appears only when there is something to say."""
    assert failing(Refused("no")) == ExitCode.REFUSED
    assert capsys.readouterr().err == "error: no\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--no-such-option"], "No such option '--no-such-option'"),
        (["deplyo"], "Did you mean 'deploy'?"),
        (["statsu", "--json"], "Did you mean 'status'?"),
        (["xyzzy"], "No such command 'xyzzy'"),
    ],
)
def test_wrong_usage_ends_with_64(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage has an exit code of its own, and a misspelt command is recognised."""
    assert app.run(arguments) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_a_command_far_from_all_is_not_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong guess is worse than none."""
    app.run(["xyzzy"])
    assert "Did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_says_how_to_go_on(
    failing: FailWith, error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C is a failure with a way forward, not a traceback."""
    assert failing(error) == ExitCode.FAILED
    err = capsys.readouterr().err
    assert "interrupted" in err
    assert "hint:" in err


def test_a_bug_leaves_a_report_and_no_traceback(
    failing: FailWith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unexpected exception is one line on the terminal; its traceback is in a private file."""
    monkeypatch.setenv("LLMCTL_STATE_DIR", str(tmp_path))
    assert failing(ZeroDivisionError("division by zero")) == ExitCode.FAILED
    err = capsys.readouterr().err
    [report] = (tmp_path / "crashes").iterdir()
    assert "Traceback" not in err
    assert str(report) in err
    assert "ZeroDivisionError: division by zero" in report.read_text()
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700


def test_a_bug_is_told_even_when_no_report_can_be_written(
    failing: FailWith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full or read-only disk must not hide the first failure behind a second one."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LLMCTL_STATE_DIR", str(tmp_path / "file"))
    assert failing(ZeroDivisionError("division by zero")) == ExitCode.FAILED
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().err


def test_a_command_s_number_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """`plan` tells "has changes" by returning a code, not by failing."""

    @click.command()
    def command() -> int:
        return ExitCode.PLAN_HAS_CHANGES

    monkeypatch.setattr(app, "llmctl", command)
    assert app.run([]) == ExitCode.PLAN_HAS_CHANGES


def test_every_listed_command_says_what_its_module_says(capsys: pytest.CaptureFixture[str]) -> None:
    """The list is written by hand so that nothing is imported for it; it must list what exists."""
    for name in app.COMMANDS:
        assert app.run([name, "--help"]) == ExitCode.OK, name
        assert name in capsys.readouterr().out
