"""Reading logs: whole lines, also those that come later, and errors that say what there is."""

from pathlib import Path

import pytest

from infra.embedded import logs
from infra.embedded.client import cloud_directory
from infra.errors import LlmctlError


def test_reading_to_the_end(tmp_path: Path) -> None:
    """Without follow, reading ends with the file, an unfinished last line included."""
    file = tmp_path / "log"
    file.write_text("one\ntwo\nthr")
    assert list(logs.read(file, follow=False)) == ["one", "two", "thr"]


def test_following(tmp_path: Path) -> None:
    """With follow, a line that is written in pieces arrives once and whole."""
    file = tmp_path / "log"
    file.write_text("one\ntw")
    pieces = iter(["o", "\nthree\n"])

    def write_more(seconds: float) -> None:
        with file.open("a") as log:
            log.write(next(pieces))

    lines = logs.read(file, follow=True, sleep=write_more)
    assert [next(lines), next(lines), next(lines)] == ["one", "two", "three"]


def test_missing_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud that never ran and an unknown instance are told apart, with the instances that there are."""
    monkeypatch.setenv("LLMCTL_STATE_DIR", str(tmp_path))
    with pytest.raises(LlmctlError, match="never started"):
        logs.log_file("local")
    console = cloud_directory("local") / "console"
    console.mkdir(parents=True)
    (console / "i-1.log").touch()
    assert logs.log_file("local", "i-1") == console / "i-1.log"
    with pytest.raises(LlmctlError, match="no console log of i-2") as caught:
        logs.log_file("local", "i-2")
    assert caught.value.hint == "there are: i-1"
