"""The routes: the page's files, and its JSON API (docs/dashboard.md)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from infra.dashboard.cached import Cached
from infra.dashboard.guard import add_headers, guard
from infra.dashboard.types import Charts, Source
from infra.environment.base import seconds

T = TypeVar("T")

WINDOWS = ("15m", "1h", "3h", "12h", "24h")
"""What the page offers to look back."""
MAX_AGE_SECONDS = 5.0
"""The cloud is asked no more often, however many browsers look."""

_STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_POINTS_OF_A_CHART = 240
_UNITS = ((3600, "h"), (60, "m"), (1, "s"))


@dataclass(frozen=True, kw_only=True)
class About:
    """What the page must know before it asks for anything else."""

    environment: str
    models: tuple[str, ...]
    """In the order of the file."""
    windows: tuple[str, ...]
    """Choices for `since`, shortest first."""
    since: str
    """The choice to begin with."""
    refresh_seconds: float


class Dashboard:
    """Answers of one environment, cached, and the handlers that give them."""

    def __init__(self, source: Source, about: About) -> None:
        self._source = source
        self._about = about
        self._state = self._cached(source.state)
        self._alarms = self._cached(source.alarms)
        self._events = self._cached(source.events)
        self._charts: dict[tuple[str, str], Cached[Charts]] = {}

    def routes(self) -> list[web.RouteDef]:
        """All there is; each begins with the token, which `guard` has checked."""
        prefix = "/{token}"
        return [
            web.get(f"{prefix}/api/about", self._answer_about),
            web.get(f"{prefix}/api/state", partial(self._answer, self._state)),
            web.get(f"{prefix}/api/alarms", partial(self._answer, self._alarms)),
            web.get(f"{prefix}/api/events", partial(self._answer, self._events)),
            web.get(f"{prefix}/api/series", self._answer_series),
        ]

    def _cached(self, load: Callable[[], T], max_age: float = MAX_AGE_SECONDS) -> Cached[T]:
        return Cached(load, max_age=max_age)

    async def _answer_about(self, _request: web.Request) -> web.Response:
        return _json(self._about)

    async def _answer(self, cached: Cached[Any], _request: web.Request) -> web.Response:
        return _json(await cached.answer())

    async def _answer_series(self, request: web.Request) -> web.Response:
        model, since = request.query.get("model", ""), request.query.get("since", self._about.since)
        # Only known names and windows: what is cached here stays, so nobody may ask for ever more.
        if model not in self._about.models:
            raise web.HTTPNotFound(text=f"no such model; models: {', '.join(self._about.models)}\n")
        if since not in self._about.windows:
            raise web.HTTPBadRequest(text=f"since must be one of {', '.join(self._about.windows)}\n")
        return _json(await self._charts_of(model, since).answer())

    def _charts_of(self, model: str, since: str) -> Cached[Charts]:
        if (model, since) not in self._charts:
            window = seconds(since)
            load = partial(self._source.charts, model, window)
            # CloudWatch bills each metric that is asked for, and a long window hardly moves in 5 seconds.
            age = max(MAX_AGE_SECONDS, window / _POINTS_OF_A_CHART)
            self._charts[model, since] = self._cached(load, age)
        return self._charts[model, since]


def about(environment: str, models: Sequence[str], window: float) -> About:
    """What the page begins with; a window of so many seconds joins those on offer."""
    since = _window_name(int(window))
    windows = sorted({*WINDOWS, since}, key=seconds)
    return About(
        environment=environment,
        models=tuple(models),
        windows=tuple(windows),
        since=since,
        refresh_seconds=MAX_AGE_SECONDS,
    )


def _window_name(length: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if length % size == 0)
    return f"{length // size}{unit}"


def application(source: Source, about: About, token: str) -> web.Application:
    """The server, without an address yet."""
    app = web.Application(middlewares=[guard(token)])
    app.on_response_prepare.append(add_headers)
    app.add_routes(Dashboard(source, about).routes())
    files = _files()
    app.router.add_get("/{token}", _to_folder)
    app.router.add_get("/{token}/{file:.*}", partial(_answer_file, files))
    return app


def _files() -> dict[str, Path]:
    """What is served, by its path in an address: a list made once, so that no address leads elsewhere."""
    found = [path for path in _STATIC.rglob("*") if path.suffix in _TYPES]
    return {path.relative_to(_STATIC).as_posix(): path for path in found}


async def _to_folder(request: web.Request) -> web.Response:
    raise web.HTTPFound(f"{request.path}/")


async def _answer_file(files: dict[str, Path], request: web.Request) -> web.Response:
    path = files.get(request.match_info["file"] or "index.html")
    if path is None:
        raise web.HTTPNotFound
    return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8")


def _json(document: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), content_type="application/json")
