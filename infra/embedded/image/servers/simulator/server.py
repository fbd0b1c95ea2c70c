"""The HTTP server: vLLM's paths, with and without the root path, its key and its way to shut down."""

import hmac
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from infra.embedded.image.servers.simulator.batch import Batch
from infra.embedded.image.servers.simulator.behaviour import Behaviour, NotABehaviour
from infra.embedded.image.servers.simulator.metrics import CONTENT_TYPE, Metrics
from infra.embedded.image.servers.simulator.replies import BadRequest, Reply, Request, error_body, parse
from infra.embedded.image.servers.simulator.settings import Settings
from infra.embedded.image.servers.simulator.text import Answer

VERSION = "simulator-1"
SERVER_HEADER = "simulator (no model)"
_HEALTH_PATHS = ("/health", "/ping", "/readyz", "/livez", "/healthz", "/-/healthz")
_CONTROL = "/simulator"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Simulator:
    """One server. Call `app` in the event loop that will run it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started = time.monotonic()
        self._created = int(time.time())
        self._behaviour = Behaviour.told(settings)
        self.batch = Batch(settings.max_num_seqs, self._behaviour, now=time.monotonic)
        self._metrics = Metrics(settings.names[0], settings.image, self.batch)
        self._taken = 0
        self._owed = 0.0
        """Failures due by now: they come evenly, so that 2 % are 2 % in a short test as well."""

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[self._gate, self._count], client_max_size=64 * 2**20)
        app.on_response_prepare.append(_name_ourselves)
        for prefix in dict.fromkeys(("", self._settings.root_path)):
            for path in _HEALTH_PATHS:
                app.router.add_get(f"{prefix}{path}", self._health)
            app.router.add_post(f"{prefix}/ping", self._health)
            app.router.add_get(f"{prefix}/version", self._version)
            app.router.add_get(f"{prefix}/metrics", self._show_metrics)
            app.router.add_get(f"{prefix}{_CONTROL}", self._show_behaviour)
            app.router.add_post(f"{prefix}{_CONTROL}", self._change_behaviour)
            app.router.add_get(f"{prefix}/v1/models", self._models)
            app.router.add_post(f"{prefix}/v1/chat/completions", self._chat)
            app.router.add_post(f"{prefix}/v1/completions", self._complete)
        return app

    @web.middleware
    async def _gate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Not ready, not allowed, or broken by order: else on to the handler."""
        if time.monotonic() - self._started < self._settings.startup:
            return web.Response(status=503, text="starting")
        path = request.path.removeprefix(self._settings.root_path)
        if path.startswith(("/v1", _CONTROL)) and not self._allowed(request):
            return web.json_response({"error": "Unauthorized"}, status=401)
        return await handler(request)

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Requests to the API, at their end: as in vLLM not those without a key, which the gate refused.

        One that its client left counts as answered, because that is how vLLM counts it.
        """
        path = request.path.removeprefix(self._settings.root_path)
        if not path.startswith("/v1"):
            return await handler(request)
        if request.match_info.http_exception is not None:
            path = "none"  # one name for all that isn't there
        status = 200
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as refused:
            status = refused.status
            raise
        except Exception:
            status = 500
            raise
        finally:
            self._metrics.answered(path, request.method, status)
        return response

    def _allowed(self, request: web.Request) -> bool:
        key = self._settings.api_key
        given = request.headers.get("Authorization", "")
        return key is None or hmac.compare_digest(given.encode(), f"Bearer {key}".encode())

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": VERSION, "image": self._settings.image, "simulator": True})

    async def _show_metrics(self, request: web.Request) -> web.Response:
        if not self._behaviour.metrics:
            return web.Response(status=500, text="a failure was simulated")
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _show_behaviour(self, request: web.Request) -> web.Response:
        return web.json_response(self._behaviour.now())

    async def _change_behaviour(self, request: web.Request) -> web.Response:
        try:
            self._behaviour.change(await request.read())
        except NotABehaviour as error:
            return web.json_response(error_body(str(error), "BadRequestError", 400), status=400)
        return await self._show_behaviour(request)

    async def _models(self, request: web.Request) -> web.Response:
        cards = [
            {
                "id": name,
                "object": "model",
                "created": self._created,
                "owned_by": "simulator",
                "root": self._settings.model,
                "max_model_len": self._settings.max_model_len,
                "description": "simulated: there is no model, answers are invented",
            }
            for name in self._settings.names
        ]
        return web.json_response({"object": "list", "data": cards})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, chat=True)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, chat=False)

    async def _generate(self, request: web.Request, *, chat: bool) -> web.StreamResponse:
        settings = self._settings
        try:
            wanted = parse(
                await request.read(),
                chat=chat,
                names=settings.names,
                max_model_len=settings.max_model_len,
                seed=settings.seed,
            )
        except BadRequest as error:
            body = error_body(str(error), error.kind, error.status)
            return web.json_response(body, status=error.status)
        self._taken += 1
        if self._taken == settings.crash_after:
            # As the kernel ends what has taken too much memory: nothing is said, nothing finished.
            os._exit(137)
        self._owed += self._behaviour.error_rate
        if self._owed >= 1:
            self._owed -= 1
            body = error_body("a failure was simulated", "InternalServerError", 500)
            return web.json_response(body, status=500)
        return await self._serve(request, wanted)

    async def _serve(self, request: web.Request, wanted: Request) -> web.StreamResponse:
        arrived = time.monotonic()
        reply = Reply(
            id=f"{'chatcmpl' if wanted.chat else 'cmpl'}-{uuid.uuid4().hex}",
            created=int(time.time()),
            model=self._settings.names[0],
            request=wanted,
        )
        answer = wanted.answer(garbled=self._behaviour.garbled)
        reason = "abort"
        try:
            async with self.batch.place(wanted.prompt_tokens + len(answer.tokens)):
                self._metrics.queued.observe(time.monotonic() - arrived)
                self._metrics.prompt_tokens.inc(wanted.prompt_tokens)
                response = await self._answer(request, reply, answer, arrived)
            reason = answer.finish_reason
        finally:
            self._metrics.finished(reason)
            self._metrics.end_to_end.observe(time.monotonic() - arrived)
        return response

    async def _answer(
        self, request: web.Request, reply: Reply, answer: Answer, arrived: float
    ) -> web.StreamResponse:
        stream = await _open(request) if reply.request.stream else None
        if stream is not None and (opening := reply.opening()):
            await _send(stream, opening)
        count = len(answer.tokens)
        async for number, token in self._timed_tokens(answer, arrived):
            if stream is not None:
                await _send(stream, reply.token(token, answer.finish_reason if number == count else None))
        if stream is None:
            return web.json_response(reply.whole(answer))
        if reply.request.stream_usage:
            await _send(stream, reply.usage(count))
        await stream.write(b"data: [DONE]\n\n")
        await stream.write_eof()
        return stream

    async def _timed_tokens(self, answer: Answer, arrived: float) -> AsyncIterator[tuple[int, str]]:
        """Tokens with their numbers, from 1, as they are due; measured on the way."""
        metrics = self._metrics
        first = last = arrived
        number = 0
        async for token in self.batch.work(answer.tokens):
            now = time.monotonic()
            number += 1
            if number == 1:
                first = now
                metrics.first_token.observe(now - arrived)
            else:
                metrics.between_tokens.observe(now - last)
            metrics.generation_tokens.inc()
            last = now
            yield number, token
        if number > 1:
            metrics.per_token.observe((last - first) / (number - 1))


async def _open(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    )
    await response.prepare(request)
    return response


async def _send(stream: web.StreamResponse, chunk: dict[str, Any]) -> None:
    await stream.write(f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n".encode())


async def _name_ourselves(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER_HEADER
