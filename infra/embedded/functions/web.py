"""What a load balancer does for a function: HTTP to the documented event, its answer to HTTP.

The balancer forwards such requests here and says in a header for which target group. Shapes as in AWS's
"Lambda functions as targets for Application Load Balancers".
"""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

from aiohttp import web

from infra.embedded.balancer.resources import TARGET_GROUP_HEADER
from infra.embedded.functions.functions import Functions
from infra.embedded.loop import LoopThread

_MAX_BODY = 1024 * 1024
"""Bytes that a load balancer hands to a function."""
_BAD_GATEWAY = 502
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")


class FunctionTargets:
    """The adapter's HTTP server. `target` gives the function's ARN behind a target group's."""

    def __init__(
        self,
        loop: LoopThread,
        address: str,
        port: int,
        functions: Functions,
        target: Callable[[str], str | None],
    ) -> None:
        self._loop = loop
        self._functions = functions
        self._target = target
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        loop.call(self._runner.setup())
        loop.call(web.TCPSite(self._runner, address, port).start())

    def stop(self) -> None:
        """Stop serving."""
        self._loop.call(self._runner.cleanup())

    async def _handle(self, request: web.Request) -> web.Response:
        group = request.headers.get(TARGET_GROUP_HEADER, "")
        arn = await asyncio.to_thread(self._target, group)  # it waits for the lock of the AWS side
        if arn is None:
            return web.Response(status=_BAD_GATEWAY)
        outcome = await self._functions.invoke(arn, await _event(request, group))
        return web.Response(status=_BAD_GATEWAY) if outcome.failed else response(outcome.payload)


async def _event(request: web.Request, group: str) -> dict[str, Any]:
    body = await request.read()
    plain = request.content_type.startswith(_TEXT) and "Content-Encoding" not in request.headers
    return {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": request.method,
        "path": request.path,
        "queryStringParameters": dict(request.query),
        "headers": {
            name.lower(): value
            for name, value in request.headers.items()
            if name.lower() != TARGET_GROUP_HEADER
        },
        "body": body.decode(errors="replace") if plain else base64.b64encode(body).decode(),
        "isBase64Encoded": not plain,
    }


def response(payload: Any) -> web.Response:
    """What a handler returned, as HTTP; anything but the documented shape is a bad gateway."""
    try:
        body: Any = payload.get("body") or ""
        return web.Response(
            status=int(payload["statusCode"]),
            headers={str(name): str(value) for name, value in (payload.get("headers") or {}).items()},
            body=base64.b64decode(body) if payload.get("isBase64Encoded") else body.encode(),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return web.Response(status=_BAD_GATEWAY)
