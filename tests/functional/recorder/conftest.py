"""A recorder in the test's own event loop, before engines that answer as the tests need it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from infra.agent.capture import Exchange
from infra.agent.recorder import Recorder, Sampling

HOST = "127.0.0.1"
Handler = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]


@dataclass
class Stage:
    """Addresses of an engine and of the recorder before it, and what the recorder kept."""

    engine: str
    recorded: str
    recorder: Recorder
    server: asyncio.Server
    kept: list[Exchange] = field(default_factory=list)

    @property
    def port(self) -> int:
        """The recorder's port."""
        return int(self.recorded.rpartition(":")[2])


@asynccontextmanager
async def stage(port: int, *, rate: float = 1.0, max_bytes: int = 65536) -> AsyncIterator[Stage]:
    """A recorder before the engine on a port."""
    kept: list[Exchange] = []
    sampling = Sampling(rate=rate, max_bytes=max_bytes, keep=kept.append)
    recorder = Recorder(HOST, port, sampling)
    server = await recorder.listen(HOST, 0)
    own = server.sockets[0].getsockname()[1]
    yield Stage(f"http://{HOST}:{port}", f"http://{HOST}:{own}", recorder, server, kept)
    server.close()
    await recorder.drain(1)


@asynccontextmanager
async def engine(handler: Handler) -> AsyncIterator[int]:
    """An engine that answers every request with a handler; yields its port."""
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, backlog=2048)
    await site.start()
    yield int(runner.addresses[0][1])
    await runner.cleanup()


async def deterministic(request: web.Request) -> web.StreamResponse:
    """An answer of many kinds that follows from the request's bytes alone."""
    body = await request.read()
    seed = hashlib.sha256(request.path_qs.encode() + body).digest()
    kind = seed[0] % 4
    if kind == 0:
        return web.Response(status=200 + seed[1] % 3 * 100, body=seed * (seed[2] + 1))
    if kind == 1:
        return web.json_response({"error": seed.hex()}, status=500, headers={"X-Kind": "error"})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Kind": str(kind)})
    await response.prepare(request)
    for number in range(seed[3] % 20):
        await response.write(b"data: " + seed.hex().encode() * (number + 1) + b"\n\n")
        if kind == 2:
            await asyncio.sleep(0)
    await response.write_eof()
    return response
