"""The recorder before real HTTP servers: what passes through it is what was said."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from aiohttp import web

from tests.functional.recorder.conftest import HOST, Stage, deterministic, engine, stage

_IGNORED = {"date", "x-request-id", "transfer-encoding", "connection", "keep-alive"}
Answer = tuple[int, dict[str, str], bytes]


async def _ask(session: aiohttp.ClientSession, base: str, number: int) -> Answer:
    body = (b"%d" % number) * (number % 700)
    path = f"/v1/chat/completions?n={number}" if number % 3 else f"/any/{number}"
    async with session.request("POST" if body else "GET", f"{base}{path}", data=body) as response:
        headers = {k.lower(): v for k, v in response.headers.items() if k.lower() not in _IGNORED}
        return response.status, headers, await response.read()


async def _eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_parallel_requests_are_answered_as_the_engine_would() -> None:
    """Five hundred at once, of every kind of body and status: each answer is the direct one, byte by byte."""

    async def run() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            engine(deterministic) as port,
            stage(port) as scene,
            aiohttp.ClientSession(connector=connector, auto_decompress=False) as session,
        ):
            direct = [await _ask(session, scene.engine, number) for number in range(500)]
            through = await asyncio.gather(*(_ask(session, scene.recorded, n) for n in range(500)))
            assert list(through) == direct
            assert {status for status, _, _ in direct} == {200, 300, 400, 500}
            assert all(each.complete for each in scene.kept)

    asyncio.run(run())


def test_connections_are_kept_on_both_sides() -> None:
    """A balancer's connection serves many requests, over one connection to the engine."""
    peers = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(text=await request.text())

    async def run() -> None:
        async with engine(answer) as port, stage(port) as scene:
            reader, writer = await asyncio.open_connection(HOST, scene.port)
            for number in range(20):
                body = str(number).encode()
                writer.write(
                    b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200")
                assert await reader.readexactly(len(body)) == body
            writer.close()
        assert len(peers) == 1

    asyncio.run(run())


def test_an_engine_that_closes_every_connection_is_no_trouble() -> None:
    """Some servers close after each answer: the client's connection goes on all the same."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.Response(text="yes")
        response.force_close()
        return response

    async def run() -> None:
        async with engine(answer) as port, stage(port) as scene, aiohttp.ClientSession() as session:
            for _ in range(20):
                async with session.get(scene.recorded) as response:
                    assert (response.status, await response.text()) == (200, "yes")

    asyncio.run(run())


def test_bytes_come_as_they_are_sent() -> None:
    """A token is at the client before the engine has said the next one."""
    go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        await go_on.wait()
        await response.write(b"data: 2\n\n")
        return response

    async def run() -> None:
        async with engine(answer) as port, stage(port) as scene, aiohttp.ClientSession() as session:
            async with session.post(f"{scene.recorded}/v1/completions", data=b"{}") as response:
                assert await response.content.readuntil(b"\n\n") == b"data: 1\n\n"
                go_on.set()
                assert await response.content.read() == b"data: 2\n\n"
            await _eventually(lambda: scene.kept)
            assert response.headers["X-Request-Id"] == scene.kept[0].request_id

    asyncio.run(run())


def test_request_bodies_stream_too_and_keep_their_id() -> None:
    """A chunked upload of any size arrives whole, under the id that the client gave it."""
    seen = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.update({name.lower(): value for name, value in request.headers.items()})
        return web.Response(text=str(len(await request.read())))

    async def upload() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b"x" * 20_000

    async def run() -> None:
        async with engine(answer) as port, stage(port) as scene, aiohttp.ClientSession() as session:
            headers = {"X-Request-Id": "mine", "Expect": "100-continue"}
            url = f"{scene.recorded}/v1/embeddings"
            async with session.post(url, data=upload(), headers=headers) as response:
                assert await response.text() == "6000000"
                assert response.headers["X-Request-Id"] == "mine"
            await _eventually(lambda: scene.kept)
            assert scene.kept[0].request.too_long
        assert seen["x-request-id"] == "mine"
        assert seen["host"] == f"{HOST}:{scene.port}"

    asyncio.run(run())


def test_a_slow_client_slows_the_engine() -> None:
    """What nobody reads must not pile up in the recorder."""
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(2000):
            await response.write(b"x" * 50_000)
            sent += 50_000
        return response

    async def run() -> None:
        async with (
            engine(answer) as port,
            stage(port) as scene,
            aiohttp.ClientSession() as session,
            session.get(scene.recorded, read_bufsize=1 << 16) as response,
        ):
            await response.content.readany()
            stalled = -1
            while stalled != sent:
                stalled = sent
                await asyncio.sleep(0.3)
            assert sent < 40_000_000  # what the kernel's socket buffers hold
            total = 50_000 * 2000
            rest = len(await response.read())
            assert total - 1_000_000 < rest <= total

    asyncio.run(run())


def test_a_client_that_leaves_ends_the_work() -> None:
    """A GPU must not go on for nobody: the engine sees the disconnect at once."""
    left = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"choices": [{"index": 0, "text": "a"}]}\n\n')
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            left.set()
            raise
        return response

    async def run() -> None:
        async with engine(answer) as port, stage(port) as scene:
            async with aiohttp.ClientSession() as session:
                response = await session.post(f"{scene.recorded}/v1/completions", data=b'{"prompt": 1}')
                await response.content.readuntil(b"\n\n")
                response.close()
            await asyncio.wait_for(left.wait(), 5)
            await _eventually(lambda: scene.kept)
            assert not scene.kept[0].complete

    asyncio.run(run())


def test_an_engine_that_is_not_there_is_a_bad_gateway() -> None:
    """Health checks must fail, and people must read why."""

    async def run() -> None:
        async with stage(1) as scene, aiohttp.ClientSession() as session:
            async with session.post(f"{scene.recorded}/v1/completions", data=b"{}") as response:
                error = (await response.json())["error"]
            assert (response.status, error["code"]) == (502, 502)
            assert "can't be reached" in error["message"]
            assert (scene.kept[0].status, scene.kept[0].complete) == (502, False)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "status"),
    [(b"", 502), (b"nonsense\r\n\r\n", 502), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", None)],
)
def test_an_engine_that_breaks_off_is_not_covered_up(said: bytes, status: int | None) -> None:
    """Before the answer it is a 502; in the middle the client's answer breaks off as well."""

    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(broken, HOST, 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with (
                stage(port) as scene,
                aiohttp.ClientSession() as session,
                session.get(scene.recorded) as response,
            ):
                assert response.status == (status or 200)
                if status:
                    return
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.read()

    asyncio.run(run())


def test_an_early_answer_to_a_long_request_arrives() -> None:
    """An engine may refuse a body that it has not read: the refusal must not get lost."""

    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        try:
            await writer.drain()
            await asyncio.sleep(0.5)
        finally:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(broken, HOST, 0)
        async with stage(server.sockets[0].getsockname()[1]) as scene:
            reader, writer = await asyncio.open_connection(HOST, scene.port)
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 1_000_000)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 Too Large")
            assert await reader.readexactly(2) == b"no"
            writer.close()
        server.close()

    asyncio.run(run())


def test_what_is_not_http_is_refused() -> None:
    """Garbage is answered, and costs nothing."""

    async def run() -> None:
        async with stage(1) as scene:
            reader, writer = await asyncio.open_connection(HOST, scene.port)
            writer.write(b"what is this\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
            writer.close()
        assert not scene.kept

    asyncio.run(run())


def test_draining_finishes_what_is_in_flight() -> None:
    """A recorder that is told to stop lets the answer end, and closes what is idle."""
    go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await go_on.wait()
        await response.write(b"second")
        return response

    async def drain(scene: Stage) -> None:
        scene.server.close()
        await scene.recorder.drain(10)

    async def run() -> None:
        async with engine(answer) as port, stage(port) as scene, aiohttp.ClientSession() as session:
            idle, writer = await asyncio.open_connection(HOST, scene.port)
            async with session.get(scene.recorded) as response:
                assert await response.content.readany() == b"first"
                draining = asyncio.create_task(drain(scene))
                assert await idle.read() == b""
                writer.close()
                assert not draining.done()
                go_on.set()
                assert await response.read() == b"second"
                await asyncio.wait_for(draining, 5)
            with pytest.raises(OSError, match="Connect"):
                await asyncio.open_connection(HOST, scene.port)

    asyncio.run(run())


def test_only_what_was_asked_for_is_kept() -> None:
    """Other paths and methods are passed on and forgotten, and so is everything when nothing is sampled."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=await request.read(), content_type="application/json")

    async def run() -> None:
        async with engine(answer) as port, aiohttp.ClientSession() as session:
            async with stage(port) as scene:
                await (await session.get(f"{scene.recorded}/v1/completions")).read()
                await (await session.post(f"{scene.recorded}/v1/models", data=b"{}")).read()
                await (await session.post(f"{scene.recorded}/chat/v1/completions?a=1", data=b"[1]")).read()
                await _eventually(lambda: scene.kept)
                (only,) = scene.kept
                assert (only.path, only.answer.document()) == ("/chat/v1/completions", json.loads("[1]"))
            async with stage(port, rate=1e-18) as scene:
                await (await session.post(f"{scene.recorded}/v1/completions", data=b"{}")).read()
                assert not scene.kept

    asyncio.run(run())
