"""The answer that all browsers share."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from infra.dashboard.cached import Cached
from infra.errors import LlmctlError


class Asked:
    """Counts the questions; fails while `failure` is set; waits for `gate`."""

    def __init__(self) -> None:
        self.count = 0
        self.time = 0.0
        self.failure: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> int:
        """Answer the number of the question."""
        self.gate.wait(10)
        self.count += 1
        if self.failure:
            raise self.failure
        return self.count

    def cached(self, patience: float = 5.0) -> Cached[int]:
        """Asked at most every 5 seconds of `time`."""
        return Cached(self, max_age=5, patience=patience, clock=lambda: self.time)


@pytest.fixture
def asked() -> Iterator[Asked]:
    """Never leaves a thread waiting."""
    made = Asked()
    yield made
    made.gate.set()


def test_many_browsers_ask_once(asked: Asked) -> None:
    """Ten pages at the same moment cost the cloud one question."""

    async def ten() -> list[int | None]:
        cached = asked.cached()
        return [answer.value for answer in await asyncio.gather(*(cached.answer() for _ in range(10)))]

    assert asyncio.run(ten()) == [1] * 10


def test_an_answer_is_kept_for_its_age(asked: Asked) -> None:
    """AWS is asked at most every 5 seconds, and again after that."""

    async def at(times: list[float]) -> list[int | None]:
        cached, values = asked.cached(), []
        for asked.time in times:
            values.append((await cached.answer()).value)
        return values

    assert asyncio.run(at([0, 4.9, 5, 9.9, 10])) == [1, 1, 2, 2, 3]


def test_a_failure_keeps_what_was_known(asked: Asked) -> None:
    """During an outage the page shows the last state, since when, and why; then it recovers."""

    async def outage() -> None:
        cached = asked.cached()
        good = await cached.answer()
        asked.failure, asked.time = LlmctlError("no route", hint="check the network"), 5
        bad = await cached.answer()
        assert (bad.value, bad.updated) == (good.value, good.updated)
        assert bad.problem is not None
        assert (bad.problem.message, bad.problem.hint) == ("no route", "check the network")
        asked.failure, asked.time = None, 10
        recovered = await cached.answer()
        assert (recovered.value, recovered.problem) == (3, None)

    asyncio.run(outage())


def test_a_failure_is_not_repeated_at_once(asked: Asked) -> None:
    """A cloud in trouble isn't asked more often than a healthy one."""
    asked.failure = LlmctlError("down")

    async def twice() -> None:
        cached = asked.cached()
        await cached.answer()
        await cached.answer()

    asyncio.run(twice())
    assert asked.count == 1


def test_a_slow_cloud_does_not_hold_the_page(asked: Asked) -> None:
    """Whoever asks gets what is known after its patience, and the answer once it is there."""

    async def slow() -> None:
        cached = asked.cached(patience=0.01)
        asked.gate.clear()
        assert (await cached.answer()).value is None
        assert (await cached.answer()).value is None
        asked.gate.set()
        async with asyncio.timeout(10):
            while (await cached.answer()).value is None:
                await asyncio.sleep(0.01)

    asyncio.run(slow())
    assert asked.count == 1


def test_a_bug_is_shown_and_survived(asked: Asked, caplog: pytest.LogCaptureFixture) -> None:
    """A defect in a reader must not take the page down; its details are in the terminal."""
    asked.failure = KeyError("StateValue")

    async def once() -> str:
        problem = (await asked.cached().answer()).problem
        return problem.message if problem else ""

    assert "KeyError" in asyncio.run(once())
    assert "Traceback" in caplog.text
