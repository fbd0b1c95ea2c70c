"""A small local server that stands for the program on a target."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class TargetServer:
    """Answers with its name and the request's headers; can be ill, silent, or in the middle of a stream."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self.health = 200
        """Status of its health path; 0: no answer at all."""
        self.hits: Counter[str] = Counter()
        self._finish = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._connected, address, 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def finish_streams(self) -> None:
        """Let the streams come to their end."""
        self._finish.set()

    def stop(self) -> None:
        """Stop answering; what is open is cut off."""
        if self._loop.is_running():
            self._call(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            await self._answer(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: str, writer: asyncio.StreamWriter) -> None:
        path = request.split(" ")[1]
        self.hits[path] += 1
        if path == "/health":
            if self.health == 0:
                await asyncio.sleep(30)
            writer.write(_response(self.health or 200, b"health"))
        elif path == "/stream":
            await self._stream(writer)
        elif path == "/broken":
            return
        elif path.startswith("/status/"):
            writer.write(_response(int(path.rpartition("/")[2]), b"status"))
        elif path.startswith("/delay/"):
            await asyncio.sleep(float(path.rpartition("/")[2]))
            writer.write(_response(200, b"late"))
        else:
            headers = dict(line.split(": ", 1) for line in request.strip().split("\r\n")[1:])
            writer.write(_response(200, json.dumps({"name": self.name, "path": path, **headers}).encode()))
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")
        while not self._finish.is_set():
            writer.write(b"6\r\ntoken \r\n")
            await writer.drain()
            await asyncio.sleep(0.02)
        writer.write(b"3\r\nend\r\n0\r\n\r\n")


def _response(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body)
