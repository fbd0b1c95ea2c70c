"""Servers to measure: the simulator as a process, and one that misbehaves in every known way."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web

from tests.functional.bench.faulty import application
from tests.functional.servers.conftest import start as start


@pytest.fixture(scope="module")
def faulty() -> Iterator[str]:
    """URL of the server of `faulty.py`, in a thread of its own."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(application(), access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
