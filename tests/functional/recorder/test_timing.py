"""Requests are timed on their way through the recorder, and counted by how they ended."""

import asyncio
import time

import aiohttp
from aiohttp import web

from infra.agent.recorder import NOTHING, Recorder
from infra.agent.timing import Outcome, Report
from tests.functional.recorder.conftest import HOST, engine

FIRST, BETWEEN, TOKENS = 0.3, 0.05, 5


async def talk(request: web.Request) -> web.StreamResponse:
    """A chat in a stream; refuses, fails, breaks off or goes on for ever where the path says so."""
    kind = request.query.get("kind", "")
    if kind.isdigit():
        return web.json_response({"error": {}}, status=int(kind))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\n')
    await asyncio.sleep(FIRST)
    for _ in range(TOKENS):
        await response.write(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n')
        await asyncio.sleep(30 if kind == "endless" else BETWEEN)
        if kind == "broken":
            assert request.transport
            request.transport.abort()
    return response


async def ask(base: str, path: str = "/v1/chat/completions") -> float:
    """Ask, and read the answer, however it ends; the seconds that it took."""
    begun = time.perf_counter()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session,
            session.post(f"{base}{path}", data=b"{}") as response,
        ):
            await response.read()
    except (aiohttp.ClientError, TimeoutError):
        pass
    return time.perf_counter() - begun


def reports(*paths: str) -> tuple[list[Report], list[float]]:
    """What is told of requests, and what their client measured."""
    told: list[Report] = []
    measured: list[float] = []

    async def run() -> None:
        async with engine(talk) as port:
            recorder = Recorder(HOST, port, NOTHING, report=told.append)
            server = await recorder.listen(HOST, 0)
            base = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
            for path in paths:
                measured.append(await ask(base, path))
            server.close()
            await recorder.drain(1)

    asyncio.run(run())
    return told, measured


def test_times_are_what_the_client_measures() -> None:
    """The first token, each further one and the whole answer; reports keep nothing of what was said."""
    (told,), (measured,) = reports("/chat/v1/chat/completions")
    assert told.outcome is Outcome.ANSWERED
    assert told.first_token is not None
    assert told.per_token is not None
    assert FIRST <= told.first_token < measured
    assert BETWEEN <= told.per_token < 2 * BETWEEN
    assert FIRST + TOKENS * BETWEEN <= told.duration <= measured


def test_requests_are_told_apart_by_their_end() -> None:
    """Refused, failed, broken off by the engine, left by the client."""
    kinds = ("404", "503", "broken", "endless")
    told, _ = reports(*(f"/v1/completions?kind={kind}" for kind in kinds))
    assert [each.outcome for each in told] == [
        Outcome.CLIENT_ERROR,
        Outcome.SERVER_ERROR,
        Outcome.SERVER_ERROR,
        Outcome.ABORTED,
    ]


def test_only_requests_that_generate_count() -> None:
    """Health checks and pages of metrics are no traffic."""
    assert reports("/health", "/v1/models")[0] == []
