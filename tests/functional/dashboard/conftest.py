"""The page, served to a headless browser."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from playwright.sync_api import Browser, Page, sync_playwright

from infra.dashboard.server import about, application
from tests.fakes.dashboard import FakeSource

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Served:
    """A page and what it did."""

    page: Page
    source: FakeSource
    url: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What a browser's console would show in red."""

    def open(self, **choice: str) -> None:
        """Load it and wait until charts are drawn."""
        fragment = "&".join(f"{name}={value}" for name, value in choice.items())
        self.page.goto(f"{self.url}#{fragment}")
        self.page.locator("figure[data-points]").first.wait_for()


class Server:
    """Serves an application from a thread of its own, on any port."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._started: Future[tuple[int, Callable[[], object]]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self.port, self._tell_to_stop = self._started.result(30)

    async def _serve(self) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        runner = web.AppRunner(self._app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._started.set_result(
            (runner.addresses[0][1], lambda: loop.call_soon_threadsafe(stop.set)),
        )
        await stop.wait()
        await runner.cleanup()

    def stop(self) -> None:
        """End it; can be called again."""
        if self._thread.is_alive():
            self._tell_to_stop()
            self._thread.join(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from the PATH."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser on the PATH: {', '.join(_BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server(source: FakeSource) -> Iterator[Server]:
    """The server of the page."""
    server = Server(application(source, about("staging", ("chat", "french"), 3600), "token"))
    yield server
    server.stop()


@pytest.fixture
def source() -> FakeSource:
    """What the page shows."""
    return FakeSource()


@pytest.fixture
def served(browser: Browser, server: Server, source: FakeSource) -> Iterator[Served]:
    """A fresh page, not opened yet."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    found = Served(page=page, source=source, url=f"http://127.0.0.1:{server.port}/token/")
    page.on("request", lambda request: found.requests.append(request.url))
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    page.on("console", lambda said: found.errors.append(said.text) if said.type == "error" else None)
    yield found
    page.close()
