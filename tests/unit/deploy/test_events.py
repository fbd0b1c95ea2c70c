"""The audit log: what is written, and what is shown of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import pytest

from infra.deploy.audit import audited
from infra.deploy.events import Event, concerns, stream
from infra.errors import LlmctlError
from tests.fakes.deploy import START, FakeClock, FakeRuntime


def event(second: int, target: str = "chat") -> Event:
    """An event at this second."""
    time = START + timedelta(seconds=second)
    return Event(time=time, id=str(second), actor="a@b", action="healthy", target=target, result="")


@dataclass
class FakeEvents:
    """Events that appear as time goes by: `batches[n]` is what the n-th reading finds."""

    batches: list[list[Event]]
    reads: int = 0

    def events(self, since: datetime) -> Sequence[Event]:
        """What there is by now."""
        batch = self.batches[min(self.reads, len(self.batches) - 1)]
        self.reads += 1
        return [each for each in batch if each.time >= since]


def test_events_come_once_and_in_order_even_if_late() -> None:
    """A poll looks back, because the clocks of writers differ."""
    reader = FakeEvents([[event(2)], [event(1), event(2)], [event(1), event(2), event(3)]])
    found = islice(stream(reader, FakeClock(), since=START, follow=True), 3)
    assert [each.id for each in found] == ["2", "1", "3"]


def test_without_follow_it_ends() -> None:
    """What is there, newest last."""
    assert [each.id for each in stream(FakeEvents([[event(2), event(1)]]), FakeClock(), since=START)] == [
        "1",
        "2",
    ]


@pytest.mark.parametrize(
    ("target", "concerned"),
    [
        ("chat", True),
        ("chat: release 2 goes live in blue", True),
        ("llmctl-test-chat-blue-spot: 2 replicas, at least 1", True),
        ("test", True),
        ("french", False),
        ("chatty: release 2 goes live in blue", False),
        ("llmctl-test-chat-two-blue-spot: boots release 2", False),
    ],
)
def test_what_concerns_a_model(target: str, *, concerned: bool) -> None:
    """Its own events, those of its groups, and those of the whole environment; no other model's."""
    assert concerns(event(1, target), "test", ["chat"]) is concerned


def test_success_is_recorded_after_it() -> None:
    """With what the body says of it."""
    runtime = FakeRuntime()
    with audited(runtime, "Apply", "test") as outcome:
        assert runtime.events == []
        outcome.result = "3 added"
    assert runtime.events == [("Apply", "test", "3 added")]


@pytest.mark.parametrize(
    ("error", "result"),
    [(LlmctlError("no capacity\nmore"), "failed: no capacity"), (KeyboardInterrupt(), "interrupted")],
)
def test_failure_is_recorded_and_goes_on(error: BaseException, result: str) -> None:
    """Who asks later finds what was tried, and the command still fails."""
    runtime = FakeRuntime()
    with pytest.raises(type(error)), audited(runtime, "Apply", "test"):
        raise error
    assert runtime.events == [("Apply", "test", result)]


def test_a_log_that_is_down_hides_no_failure() -> None:
    """The reason that counts is the first one."""

    class Broken(FakeRuntime):
        def record(self, action: str, target: str, result: str) -> None:
            raise LlmctlError("no table")

    with pytest.raises(LlmctlError, match="first"), audited(Broken(), "Apply", "test"):
        raise LlmctlError("first")
