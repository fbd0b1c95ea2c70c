"""Following logs: every line once, in the order of time."""

from datetime import timedelta
from itertools import islice

from infra.deploy.logs import stream
from infra.deploy.types import LogLine
from tests.fakes.deploy import START, FakeClock, FakeLogs


def line(second: int, model: str = "chat") -> LogLine:
    """A line that was written at this second."""
    time = START + timedelta(seconds=second)
    return LogLine(time=time, model=model, replica="i-1", source="engine", text="", id=f"{model}{second}")


def test_models_are_merged_by_time() -> None:
    """Lines of several models come as one story."""
    logs = FakeLogs([[line(3), line(1, "french"), line(2)]])
    found = list(stream(logs, ["chat", "french"], FakeClock(), since=START))
    assert [(entry.model, entry.id) for entry in found] == [
        ("french", "french1"),
        ("chat", "chat2"),
        ("chat", "chat3"),
    ]


def test_following_shows_each_line_once_even_if_it_came_late() -> None:
    """A poll looks back, so that a late line isn't lost, and remembers, so that none comes twice."""
    logs = FakeLogs([[line(2)], [line(1), line(2)], [line(1), line(2), line(3)]])
    found = islice(stream(logs, ["chat"], FakeClock(), since=START, follow=True), 3)
    assert [entry.id for entry in found] == ["chat2", "chat1", "chat3"]
