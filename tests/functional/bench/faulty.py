"""A server that misbehaves as told: /BEHAVIOUR/v1/chat/completions."""

import asyncio
import itertools
import json
import time

from aiohttp import web

_STALL = (1.0, 2.0)
"""Seconds after its first request between which /stall answers nothing."""


def application() -> web.Application:
    """The server; it keeps no state but that of /stall and /alternate."""
    app = web.Application()
    for path, handler in (
        ("good", _good),
        ("cut", _cut),
        ("unfinished", _unfinished),
        ("reset", _reset),
        ("hang", _hang),
        ("page", _page),
        ("garbage", _garbage),
        ("oom", _out_of_memory),
        ("moved", _moved),
        ("no-usage", _without_usage),
    ):
        app.router.add_post(f"/{path}/v1/chat/completions", handler)
    app.router.add_post("/alternate/v1/chat/completions", _Alternate().answer)
    stall = _Stall()
    app.router.add_post("/stall/v1/chat/completions", stall.answer)
    app.router.add_post("/stall/again", stall.again)
    return app


def _chunk(text: str, finish: str | None = None) -> bytes:
    body = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


_USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2}}\n\n'
_DONE = b"data: [DONE]\n\n"


async def _stream(
    request: web.Request, *pieces: bytes, end: bool = True, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **(headers or {})})
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    if end:
        await response.write_eof()
    return response


async def _good(request: web.Request) -> web.StreamResponse:
    return await _stream(request, _chunk("a"), _chunk("b", "stop"), _USAGE, _DONE)


async def _without_usage(request: web.Request) -> web.StreamResponse:
    return await _stream(request, _chunk("a"), _chunk("b"), _chunk("c", "stop"), _DONE)


async def _cut(request: web.Request) -> web.StreamResponse:
    """The connection ends in the middle of the stream."""
    response = await _stream(request, _chunk("a"), end=False)
    # The client must have seen the beginning, or it is a reset.
    await asyncio.sleep(0.05)
    assert request.transport is not None
    request.transport.abort()
    return response


async def _unfinished(request: web.Request) -> web.StreamResponse:
    """The stream ends well, the answer does not."""
    return await _stream(request, _chunk("a"), _DONE)


async def _reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _hang(request: web.Request) -> web.StreamResponse:
    response = await _stream(request, _chunk("a"), end=False)
    await asyncio.sleep(60)
    return response


async def _page(request: web.Request) -> web.StreamResponse:
    """What a proxy shows in place of the server, with a status that says all is well."""
    return web.Response(text="<h1>Maintenance</h1>", content_type="text/html")


async def _garbage(request: web.Request) -> web.StreamResponse:
    return await _stream(request, b"data: not json\n\n")


async def _out_of_memory(request: web.Request) -> web.StreamResponse:
    return await _stream(request, _chunk("a"), b'data: {"error":{"message":"out of memory"}}\n\n', _DONE)


async def _moved(request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("/good/v1/chat/completions")


class _Alternate:
    """Two releases behind one address that name themselves."""

    def __init__(self) -> None:
        self._releases = itertools.cycle(("3", "4"))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return await _stream(request, _chunk("a", "stop"), headers={"X-Release": next(self._releases)})


class _Stall:
    """Answers at once, but nothing at all for one second."""

    def __init__(self) -> None:
        self._first: float | None = None

    async def again(self, request: web.Request) -> web.Response:
        """The next request is the first."""
        self._first = None
        return web.Response()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        now = time.monotonic()
        self._first = self._first if self._first is not None else now
        begin, end = (self._first + moment for moment in _STALL)
        if begin <= now < end:
            await asyncio.sleep(end - now)
        return await _stream(request, _chunk("a"), _chunk("b", "stop"), _DONE)
