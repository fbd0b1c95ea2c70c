"""So many at once, and so many a second: what golden prompts may add to the traffic of a release."""

import asyncio
from types import TracebackType


class Pace:
    """Waits for a turn. Use as an asynchronous context manager around each piece of work, in one loop."""

    def __init__(self, *, at_once: int, rate: float) -> None:
        """`rate` in turns a second: they are spread evenly, never saved up."""
        self._places = asyncio.Semaphore(at_once)
        self._between = 1 / rate
        self._next = 0.0

    async def __aenter__(self) -> None:
        await self._places.acquire()
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._between
        try:
            await asyncio.sleep(turn - now)
        except asyncio.CancelledError:
            self._places.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._places.release()
