"""The recorder: a reverse proxy before the engine, there only when samples are kept or requests are timed.

It listens where the engine otherwise would and passes everything on as it comes, both ways: no body is
gathered, a slow reader slows the writer, a side that leaves is left by the other. Each connection of the
balancer's has at most one to the engine. What is sampled is watched on its way (`capture.Exchange`) and given
to `keep` at its end, what is timed to `report`; nothing that happens there can hold up an answer.

It refuses to be clever: no retries, no cache, no WebSockets, no opinion on paths.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import h11

from infra.agent.capture import Body, Exchange, eligible, sampled
from infra.agent.capture_stream import Stream
from infra.agent.recorder_peer import Headers, Peer, end_to_end, header
from infra.agent.timing import Report, Timing

_CONNECT_SECONDS = 5.0
_REQUEST_ID = b"x-request-id"
_EVENT_STREAM = b"text/event-stream"


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Which exchanges are kept, and how much of them."""

    rate: float
    max_bytes: int
    keep: Callable[[Exchange], None]


NOTHING = Sampling(rate=0, max_bytes=0, keep=lambda exchange: None)
"""No sample is kept."""


class Unanswered(Exception):  # noqa: N818 - it reads as what happened
    """The engine gave no answer: what to tell the client instead."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class Recorder:
    """Serves connections until it is drained. `host` and `port` are the engine's."""

    host: str
    port: int
    sampling: Sampling
    report: Callable[[Report], object] | None = None
    """Gets told of every request that generates; None: they aren't timed."""
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    draining: bool = False
    """Whether each connection ends with the request it serves."""
    _idle: set[Peer] = field(default_factory=set)
    _served: set["asyncio.Task[None]"] = field(default_factory=set)

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Begin to serve; raises OSError when the port is taken."""
        return await asyncio.start_server(self._connected, host, port, backlog=1024)

    async def drain(self, seconds: float) -> None:
        """Let requests in flight finish, for at most so long; close the server before."""
        self.draining = True
        for peer in self._idle:
            peer.close()
        if self._served:
            await asyncio.wait(self._served, timeout=seconds)
        for task in self._served:
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served.add(task)
        task.add_done_callback(self._served.discard)
        client = Peer.client(reader, writer)
        conversation = _Conversation(self, client)
        try:
            while not self.draining and await conversation.turn():
                pass
        except (OSError, h11.ProtocolError):
            pass  # one side left or broke off: so do we, and what was said so far still arrives
        finally:
            conversation.close()

    async def request_of(self, client: Peer) -> h11.Request | None:
        """The client's next request, None when it has left; idle until then."""
        self._idle.add(client)
        try:
            event = await client.next_event()
        finally:
            self._idle.discard(client)
        return event if isinstance(event, h11.Request) else None

    def watch(self, request: h11.Request, request_id: bytes) -> "_Watch":
        """What to fill in on the way: an exchange if this request is sampled, times if they are asked for."""
        begun = self.now()
        path = request.target.partition(b"?")[0].decode("ascii", "replace")
        if not eligible(request.method.decode(), path):
            return _Watch(begun)
        timing = Timing(begun) if self.report else None
        name = request_id.decode("ascii", "replace")
        if not self.sampling.rate or not sampled(name, self.sampling.rate):
            return _Watch(begun, timing)
        limit = self.sampling.max_bytes
        body, answer = Body(limit), Body(limit)
        exchange = Exchange(request_id=name, path=path, time=self.wall(), request=body, answer=answer)
        return _Watch(begun, timing, exchange)

    def over(self, watch: "_Watch") -> None:
        """A request has ended, one way or another."""
        if watch.exchange is not None:
            watch.exchange.duration = self.now() - watch.begun
            self.sampling.keep(watch.exchange)
        if watch.timing is not None and self.report is not None:
            self.report(watch.timing.report(self.now()))


@dataclass
class _Watch:
    """What is taken note of while a request passes."""

    begun: float
    timing: Timing | None = None
    exchange: Exchange | None = None

    def asked(self, data: bytes) -> None:
        """The next bytes of the request's body."""
        if self.exchange is not None:
            self.exchange.request.feed(data)

    def answered(self, status: int, *, stream: bool, limit: int = 0) -> None:
        """The answer begins."""
        if self.timing is not None:
            self.timing.answered(status, stream=stream)
        if self.exchange is not None:
            self.exchange.status = status
            if stream:
                self.exchange.answer = Stream(limit)

    def said(self, data: bytes, now: float) -> None:
        """The next bytes of the answer's body."""
        if self.timing is not None:
            self.timing.said(data, now)
        if self.exchange is not None:
            if self.exchange.first_byte is None and isinstance(self.exchange.answer, Stream):
                self.exchange.first_byte = now - self.begun
            self.exchange.answer.feed(data)

    def completed(self, now: float) -> None:
        """The answer has ended as it should."""
        if self.timing is not None:
            self.timing.completed(now)
        if self.exchange is not None:
            self.exchange.complete = True

    def left(self) -> None:
        """The client is gone."""
        if self.timing is not None:
            self.timing.left()


class _Conversation:
    """One client's connection, and the one to the engine behind it."""

    def __init__(self, recorder: Recorder, client: Peer) -> None:
        self._recorder = recorder
        self._client = client
        self._engine: Peer | None = None

    def close(self) -> None:
        """Leave both."""
        self._client.close()
        self._hang_up()

    async def turn(self) -> bool:
        """Serve one request; false when there can be no other on this connection."""
        try:
            request = await self._recorder.request_of(self._client)
        except h11.RemoteProtocolError as error:
            await self._apologise(Unanswered(error.error_status_hint, str(error)), b"")
            return False
        if request is None:
            return False
        request_id = header(request, _REQUEST_ID) or uuid.uuid4().hex.encode()
        watch = self._recorder.watch(request, request_id)
        turn = _Turn(self._recorder, self._client, request, request_id, watch)
        try:
            self._engine = await self._reach()
            await turn.run(self._engine)
        except Unanswered as problem:
            self._hang_up()
            watch.answered(problem.status, stream=False)
            await self._apologise(problem, request_id)
        finally:
            self._recorder.over(watch)
        if self._engine is not None and not self._engine.next_cycle():
            self._hang_up()
        if self._client.http.their_state is h11.SEND_BODY:
            await self._client.linger()
        return self._client.next_cycle()

    async def _reach(self) -> Peer:
        if self._engine is not None and self._engine.reusable:
            return self._engine
        self._hang_up()
        recorder = self._recorder
        try:
            return await Peer.connect(recorder.host, recorder.port, _CONNECT_SECONDS)
        except TimeoutError:
            raise Unanswered(504, "the engine did not accept the connection in time") from None
        except OSError as error:
            raise Unanswered(502, f"the engine can't be reached: {error.strerror or error}") from error

    def _hang_up(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    async def _apologise(self, problem: Unanswered, request_id: bytes) -> None:
        """Answer in the engine's place, in the OpenAI API's form, and end the connection."""
        if self._client.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        error = {"message": str(problem), "type": "recorder_error", "param": None, "code": problem.status}
        body = json.dumps({"error": error}).encode()
        headers: Headers = [
            (b"Content-Type", b"application/json"),
            (b"Content-Length", str(len(body)).encode()),
            (b"Connection", b"close"),
        ]
        if request_id:
            headers.append((b"X-Request-Id", request_id))
        await self._client.send(h11.Response(status_code=problem.status, headers=headers))
        await self._client.send(h11.Data(data=body))
        await self._client.send(h11.EndOfMessage())


@dataclass
class _Turn:
    """One request on its way to the engine, and its answer on the way back, at the same time."""

    recorder: Recorder
    client: Peer
    request: h11.Request
    request_id: bytes
    watch: _Watch

    async def run(self, engine: Peer) -> None:
        """Pass both on; raises Unanswered, OSError or h11.ProtocolError with the answer begun or not."""
        await self._open(engine)
        up = asyncio.create_task(self._upload(engine))
        down = asyncio.create_task(self._download(engine))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if up.done() and not down.done() and up.result():
                self.watch.left()
                raise ConnectionResetError("the client has left")
            await down
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _open(self, engine: Peer) -> None:
        headers = [each for each in end_to_end(self.request) if each[0].lower() != b"expect"]
        if header(self.request, _REQUEST_ID) is None:
            headers.append((b"X-Request-Id", self.request_id))
        if header(self.request, b"transfer-encoding") is not None:
            headers.append((b"Transfer-Encoding", b"chunked"))
        if header(self.request, b"host") is None:  # HTTP/1.0 had none
            headers.append((b"Host", f"{self.recorder.host}:{self.recorder.port}".encode()))
        try:
            await engine.send(
                h11.Request(method=self.request.method, target=self.request.target, headers=headers)
            )
        except OSError as error:
            raise _hung_up() from error

    async def _upload(self, engine: Peer) -> bool:
        """Pass the request on; then true as soon as the client leaves. An engine that hangs up ends it."""
        if self.client.http.they_are_waiting_for_100_continue:
            await self.client.send(h11.InformationalResponse(status_code=100, headers=[]))
        while True:
            try:
                event = await self.client.next_event()
            except (OSError, h11.RemoteProtocolError):
                return True
            if not isinstance(event, h11.Data | h11.EndOfMessage):
                return True
            if isinstance(event, h11.Data):
                self.watch.asked(bytes(event.data))
            try:
                await engine.send(event if isinstance(event, h11.Data) else h11.EndOfMessage())
            except (OSError, h11.LocalProtocolError):
                return False  # it may have answered before it hung up
            if isinstance(event, h11.EndOfMessage):
                return await self._left()

    async def _left(self) -> bool:
        try:
            return await self.client.gone()
        except OSError:
            return True

    async def _download(self, engine: Peer) -> None:
        response = await self._response(engine)
        stream = (header(response, b"content-type") or b"").startswith(_EVENT_STREAM)
        self.watch.answered(response.status_code, stream=stream, limit=self.recorder.sampling.max_bytes)
        await self._tell(self._passed_on(response))
        while True:
            event = await engine.next_event()
            if isinstance(event, h11.Data):
                self.watch.said(bytes(event.data), self.recorder.now())
                await self._tell(event)
            elif isinstance(event, h11.EndOfMessage):
                self.watch.completed(self.recorder.now())
                await self._tell(h11.EndOfMessage())
                return
            else:
                raise ConnectionResetError("the engine hung up in the middle of its answer")

    async def _response(self, engine: Peer) -> h11.Response:
        try:
            while isinstance(event := await engine.next_event(), h11.InformationalResponse):
                pass
        except OSError as error:
            raise _hung_up() from error
        except h11.RemoteProtocolError as error:
            if engine.reader.at_eof():
                raise _hung_up() from error
            raise Unanswered(502, f"the engine's answer is not HTTP: {error}") from error
        if not isinstance(event, h11.Response):
            raise _hung_up()
        return event

    def _passed_on(self, response: h11.Response) -> h11.Response:
        headers = end_to_end(response)
        if header(response, _REQUEST_ID) is None:
            headers.append((b"X-Request-Id", self.request_id))
        if self.recorder.draining:
            headers.append((b"Connection", b"close"))
        return h11.Response(status_code=response.status_code, headers=headers, reason=response.reason)

    async def _tell(self, event: h11.Event) -> None:
        try:
            await self.client.send(event)
        except OSError:
            self.watch.left()
            raise


def _hung_up() -> Unanswered:
    return Unanswered(502, "the engine hung up without an answer")
