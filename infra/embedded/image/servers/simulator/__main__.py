"""`python -m infra.embedded.image.servers.simulator [vLLM's arguments]`."""

import asyncio
import os
import signal
import sys

from aiohttp import web

from infra.embedded.image.servers.container import listen_address
from infra.embedded.image.servers.simulator.server import SERVER_HEADER, Simulator
from infra.embedded.image.servers.simulator.settings import Settings, read

_POLL_SECONDS = 0.05
_ABORT_SECONDS = 0.01
"""As good as none; to aiohttp, 0 would mean to wait for ever."""


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then as vLLM does: go on for at most the shutdown time, and end."""
    simulator = Simulator(settings)
    # A client that went away must free its place in the batch, so its handler is cancelled.
    runner = web.AppRunner(
        simulator.app(), access_log=None, handler_cancellation=True, shutdown_timeout=_ABORT_SECONDS
    )
    await runner.setup()
    address = listen_address(settings.host)
    await web.TCPSite(runner, address, settings.port).start()
    ignored = f"; not simulated: {' '.join(settings.not_simulated)}" if settings.not_simulated else ""
    place = f"http://{address}:{runner.addresses[0][1]}"
    sys.stderr.write(f"{SERVER_HEADER} for {settings.image or settings.model} on {place}{ignored}\n")
    sys.stderr.flush()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    await _finish(simulator, settings.shutdown_timeout)
    await runner.cleanup()


async def _finish(simulator: Simulator, seconds: float) -> None:
    """New requests are taken all the while, as vLLM does: only leaving the balancer first makes this end."""
    deadline = asyncio.get_running_loop().time() + seconds
    while simulator.batch.busy and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_POLL_SECONDS)
    # The last reply left the batch, but perhaps not yet this process.
    await asyncio.sleep(_POLL_SECONDS)


def main() -> int:
    """Run the server."""
    try:
        asyncio.run(serve(read(sys.argv[1:], os.environ)))
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
