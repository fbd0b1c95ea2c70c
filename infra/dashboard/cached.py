"""An answer of the cloud, shared by every browser that asks.

However many pages are open, the cloud is asked at most once in `max_age` seconds, and only while someone
looks. When it can't be asked, the last good answer stays, beside what went wrong: a page that goes blank
during an outage is of no use.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

from infra.errors import LlmctlError

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why the cloud could not be asked."""

    message: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[T]):
    """What is known now."""

    value: T | None = None
    """The last good answer; None before the first."""
    updated: datetime | None = None
    """When the value was asked for."""
    problem: Problem | None = None
    """What went wrong since; None when the value is fresh."""


class Cached(Generic[T]):
    """Asks by `load`, in a thread, at most once in `max_age` seconds.

    A caller waits `patience` seconds at most and then gets what is known; the question goes on meanwhile.
    """

    def __init__(
        self,
        load: Callable[[], T],
        *,
        max_age: float,
        patience: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._load = load
        self._max_age = max_age
        self._patience = patience
        self._clock = clock
        self._now = now
        self._answer: Answer[T] = Answer()
        self._asked: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def answer(self) -> Answer[T]:
        """What is known, asked for again if it is too old. Never raises."""
        if self._asking is None and self._is_old():
            self._asking = asyncio.create_task(self._ask())
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=self._patience)
        return self._answer

    def _is_old(self) -> bool:
        return self._asked is None or self._clock() - self._asked >= self._max_age

    async def _ask(self) -> None:
        self._asked, started = self._clock(), self._now()
        try:
            value = await asyncio.to_thread(self._load)
            self._answer = Answer(value=value, updated=started)
        except LlmctlError as error:
            self._answer = replace(self._answer, problem=Problem(message=error.message, hint=error.hint))
        except Exception as error:  # noqa: BLE001 - the daemon's outermost loop: the page stays, and says so
            _log.exception("asking the cloud failed in a way it should not")
            problem = Problem(message=f"llmctl failed: {error!r}", hint="see its terminal; please report it")
            self._answer = replace(self._answer, problem=problem)
        finally:
            self._asking = None
