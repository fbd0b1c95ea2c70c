"""The daemon's own HTTP interface: what runs, and failures on demand. On a loopback address only.

GET /status, /usage; GET and POST /faults, /market; POST /instances/ID/kill; POST /instances/ID/interrupt
{"in_seconds": 120}; POST /instances/ID/rebalance; POST /instances/ID/trouble {"what": "engine-hang",
"seconds": 60, "by": 0}, where 0 seconds end it. What AWS has an API for is asked of that API, not here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from infra.embedded.aws.faults import INJECTOR, Faults
from infra.embedded.aws.spot_market import MARKET, SpotMarket
from infra.embedded.compute.compute import Compute
from infra.embedded.loop import LoopThread
from infra.embedded.meter import Meter
from infra.embedded.troubles import Trouble
from infra.errors import LlmctlError, Refused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Admin:
    """The running interface."""

    def __init__(
        self,
        loop: LoopThread,
        address: str,
        status: Callable[[], dict[str, Any]],
        compute: Compute,
        meter: Meter,
    ) -> None:
        self._loop = loop
        self._status = status
        self._meter = meter
        self._compute = compute
        self._runner = web.AppRunner(self._app(), access_log=None)
        loop.call(self._runner.setup())
        loop.call(web.TCPSite(self._runner, address, 0).start())
        host, port = self._runner.addresses[0]
        self.url = f"http://{host}:{port}"

    def stop(self) -> None:
        """Stop serving."""
        self._loop.call(self._runner.cleanup())

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[_errors])
        app.router.add_get("/status", self._get_status)
        app.router.add_get("/usage", self._get_usage)
        app.router.add_get("/faults", self._get_faults)
        app.router.add_post("/faults", self._set_faults)
        app.router.add_get("/market", self._get_market)
        app.router.add_post("/market", self._set_market)
        app.router.add_post("/instances/{id}/kill", self._kill)
        app.router.add_post("/instances/{id}/interrupt", self._interrupt)
        app.router.add_post("/instances/{id}/rebalance", self._rebalance)
        app.router.add_post("/instances/{id}/trouble", self._trouble)
        return app

    async def _get_status(self, request: web.Request) -> web.Response:
        # In a thread: it waits for the lock of the AWS side, and instances want their metadata meanwhile.
        return web.json_response(await asyncio.to_thread(self._status))

    async def _get_usage(self, request: web.Request) -> web.Response:
        usage = [asdict(pool) | {"hours": hours} for pool, hours in self._meter.hours().items()]
        return web.json_response({"instances": usage})

    async def _get_faults(self, request: web.Request) -> web.Response:
        return web.json_response(INJECTOR.show())

    async def _set_faults(self, request: web.Request) -> web.Response:
        body = await _json(request)
        if not isinstance(body, dict):
            raise ValueError("the body is not a JSON object")
        INJECTOR.set(Faults.told(body))
        return web.json_response(INJECTOR.show())

    async def _get_market(self, request: web.Request) -> web.Response:
        return web.json_response(MARKET.show(time.time()))

    async def _set_market(self, request: web.Request) -> web.Response:
        # In a thread: it waits for the lock of the AWS side.
        await asyncio.to_thread(MARKET.set, SpotMarket.told(await _json(request)), time.time())
        return web.json_response(MARKET.show(time.time()))

    async def _kill(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self._compute.kill, request.match_info["id"])
        return web.json_response({})

    async def _interrupt(self, request: web.Request) -> web.Response:
        body = await _json(request)
        seconds = _seconds(body, "in_seconds", 120)
        interrupt = self._compute.interrupt
        await asyncio.to_thread(interrupt, request.match_info["id"], time.time() + seconds)
        return web.json_response({})

    async def _rebalance(self, request: web.Request) -> web.Response:
        recommend = self._compute.recommend_rebalance
        await asyncio.to_thread(recommend, request.match_info["id"], time.time())
        return web.json_response({})

    async def _trouble(self, request: web.Request) -> web.Response:
        body = await _json(request)
        what = body.get("what") if isinstance(body, dict) else None
        if what not in list(Trouble):
            raise Refused(f"what is one of {', '.join(Trouble)}, not {what!r}")
        seconds, by = _seconds(body, "seconds", 60), body.get("by", 0)
        if not isinstance(by, int | float):
            raise Refused("by must be a number of seconds")
        instance, trouble = request.match_info["id"], Trouble(what)
        if seconds:
            await asyncio.to_thread(self._compute.trouble, instance, trouble, time.time() + seconds, by)
        else:
            await asyncio.to_thread(self._compute.mend, instance, trouble)
        return web.json_response({})


def _seconds(body: Any, name: str, default: float) -> float:
    """Raises Refused for what isn't a time to wait."""
    seconds = body.get(name, default) if isinstance(body, dict) else None
    if not isinstance(seconds, int | float) or seconds < 0:
        raise Refused(f"{name} must be a number of seconds, 0 or more")
    return seconds


async def _json(request: web.Request) -> Any:
    """The body. Raises ValueError."""
    try:
        return await request.json()
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from error


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell errors as {"error", "hint"}: 409 for what can't be done now, 400 for what can't be asked."""
    try:
        return await handler(request)
    except ValueError as error:
        return web.json_response({"error": str(error), "hint": ""}, status=400)
    except LlmctlError as error:
        code = 400 if isinstance(error, Refused) else 409
        return web.json_response({"error": error.message, "hint": error.hint}, status=code)
