"""The batch: so many sequences at a time, the others wait; the fuller it is, the slower each token.

Only the timing of continuous batching is imitated: one more sequence costs every other a little.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from infra.embedded.image.servers.simulator.behaviour import Behaviour

_SLOWDOWN = 0.02
"""Of a token's time, for each other sequence in the batch."""
_KV_TOKENS_PER_SEQUENCE = 1024


class Batch:
    """Running and waiting sequences. `now` in seconds."""

    def __init__(self, size: int, behaviour: Behaviour, *, now: Callable[[], float]) -> None:
        self.running = 0
        self.waiting = 0
        self.tokens = 0
        """In the running sequences: what a KV cache would hold."""
        self._size = size
        self._behaviour = behaviour
        self._now = now
        self._slots = asyncio.Semaphore(size)

    @property
    def busy(self) -> bool:
        """Whether anyone is served or waits."""
        return bool(self.running or self.waiting)

    @property
    def kv_cache_usage(self) -> float:
        """Share of the imagined KV cache that is in use."""
        return min(1.0, self.tokens / (self._size * _KV_TOKENS_PER_SEQUENCE))

    @asynccontextmanager
    async def place(self, tokens: int) -> AsyncIterator[None]:
        """A place in the batch for a sequence of so many tokens, after waiting for one."""
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        self.tokens += tokens
        try:
            yield
        finally:
            self.running -= 1
            self.tokens -= tokens
            self._slots.release()

    async def work(self, tokens: tuple[str, ...]) -> AsyncIterator[str]:
        """Tokens one after the other, each when it is due."""
        due = self._now() + self._behaviour.ttft
        for index, token in enumerate(tokens):
            if index:
                due += self._behaviour.time_per_token * (1 + _SLOWDOWN * (self.running - 1))
            # Late by less than a token: caught up with the next, so that the speed is as told.
            await asyncio.sleep(max(0.0, due - self._now()))
            yield token
