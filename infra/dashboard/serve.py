"""Runs the server until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable

from aiohttp import web

from infra.errors import LlmctlError

ADDRESS = "127.0.0.1"
_GRACE_SECONDS = 1.0


def serve(app: web.Application, port: int, ready: Callable[[int], None]) -> None:
    """Serve on loopback until SIGINT or SIGTERM; `ready` is told the port (0: any free one).

    Raises `LlmctlError` when the port is taken.
    """
    asyncio.run(_serve(app, port, ready))


async def _serve(app: web.Application, port: int, ready: Callable[[int], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Without an access log: its lines would hold the token.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, port)
        ready(runner.addresses[0][1])
        await stop.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, ADDRESS, port).start()
    except OSError as error:
        raise LlmctlError(
            f"can't listen on {ADDRESS}:{port}: {error.strerror or error}",
            hint="--port 0 takes any free port",
        ) from error
