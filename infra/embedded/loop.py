"""A thread with an asyncio loop, for the daemon's small HTTP servers.

The daemon's main thread must stay free to start processes (they die with the thread that made them), so the
servers live here and the main thread waits for what it asks of them.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_CALL_TIMEOUT_SECONDS = 10.0


class LoopThread:
    """An asyncio loop that runs until `stop`."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        """Kept: the loop itself holds them only weakly."""
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and return its result or raise its exception; TimeoutError after 10 s."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_CALL_TIMEOUT_SECONDS)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine there and don't wait for it; an exception goes to the loop's log."""

        def create() -> None:
            task = self._loop.create_task(coroutine)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._loop.call_soon_threadsafe(create)

    def stop(self) -> None:
        """End what was started and still runs, the loop, and its thread."""
        self.call(self._cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_TIMEOUT_SECONDS)
        self._loop.close()

    async def _cancel(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
