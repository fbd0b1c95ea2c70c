"""One side of the recorder's talk: an HTTP/1.1 connection as events over asyncio's streams.

h11 knows the protocol, the streams know the socket; this only carries bytes between them. Nothing is held
back: `next_event` yields a body piece by piece, `send` waits while the other side is slow to read.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import h11

_CHUNK = 1 << 16
_LINGER_SECONDS = 2.0
_HEADERS_LIMIT = 96 * 1024
"""More than a load balancer lets through."""
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

Headers = list[tuple[bytes, bytes]]
Message = h11.Request | h11.Response


@dataclass(eq=False)
class Peer:
    """The client's connection (h11.SERVER), or ours to the engine (h11.CLIENT)."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection

    @classmethod
    def client(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> "Peer":
        """A connection that was made to us."""
        return cls(reader, writer, h11.Connection(h11.SERVER, _HEADERS_LIMIT))

    @classmethod
    async def connect(cls, host: str, port: int, seconds: float) -> "Peer":
        """A connection to the engine; raises OSError, TimeoutError when nobody answers in time."""
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host, port)
        return cls(reader, writer, h11.Connection(h11.CLIENT, _HEADERS_LIMIT))

    async def next_event(self) -> h11.Event | type[h11.PAUSED]:
        """The next event; raises h11.RemoteProtocolError for what isn't HTTP, OSError when it broke."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.reader.read(_CHUNK))
        return event  # type: ignore[return-value]  # h11 tells its sentinels apart by identity

    async def send(self, event: h11.Event) -> None:
        """Send an event, and wait until there is room for the next; raises OSError when the peer is gone."""
        if data := self.http.send(event):
            self.writer.write(data)
            await self.writer.drain()

    async def gone(self) -> bool:
        """Wait until the peer says something unasked: true when it has left, false when it sent more."""
        data = await self.reader.read(_CHUNK)
        self.http.receive_data(data)
        return not data

    @property
    def reusable(self) -> bool:
        """Whether another request can go over the connection, as far as we can see."""
        return self.http.our_state is h11.IDLE and not self.reader.at_eof() and not self.writer.is_closing()

    def next_cycle(self) -> bool:
        """Get ready for another request, if both sides have said all of this one."""
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            return True
        return False

    def close(self) -> None:
        """Close after what was written has left; never waits."""
        self.writer.close()

    async def linger(self) -> None:
        """Read what the peer is still sending, for a moment: closing on it would take back what we said."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while await self.reader.read(_CHUNK):
                    pass


def end_to_end(message: Message) -> Headers:
    """Headers to pass on, spelled as they came: without those that are about one connection only."""
    named = {
        name.strip().lower()
        for header, value in message.headers
        if header == b"connection"
        for name in value.split(b",")
    }
    dropped = HOP_BY_HOP | named
    return [(name, value) for name, value in message.headers.raw_items() if name.lower() not in dropped]


def header(message: Message, wanted: bytes) -> bytes | None:
    """A header's value; the name in lower case."""
    return next((value for name, value in message.headers if name == wanted), None)
