"""One request to an OpenAI-compatible server, measured.

No limit on connections, no retry, no redirect, no cookie, no compression: whatever would make a request wait
or repeat itself unseen is off. Connections are kept alive and names cached, as in any real client.
"""

import asyncio
import json
from errno import ECONNABORTED, ECONNREFUSED, ECONNRESET, EPIPE
from types import TracebackType
from typing import Self

import aiohttp

from infra.bench.answer import Stream, read_whole
from infra.bench.prompts import Prompt
from infra.bench.sample import Failure, Kind, Sample

_DNS_SECONDS = 60
_JSON = "application/json"
_EVENTS = "text/event-stream"


class OpenAiClient:
    """Sends prompts to one model. Use as an asynchronous context manager."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        stream: bool = True,
        timeout: float = 60.0,
        group_by: str | None = None,
    ) -> None:
        """`url` is the API's base, as OpenAI's clients want it: http://HOST/v1. `timeout` in seconds.

        `group_by` names a response header whose value is kept with each sample.
        """
        self._url = url.rstrip("/")
        self._model = model
        self._headers = {"Content-Type": _JSON, "Accept-Encoding": "identity"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._stream = stream
        self._timeout = timeout
        self._group_by = group_by
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None, sock_read=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def __call__(self, prompt: Prompt, sample: Sample, start: float) -> None:
        """Send a prompt and fill the sample; `start` is the run's, in the event loop's time.

        Whatever the server does ends up in the sample; nothing is raised.
        """
        loop = asyncio.get_running_loop()
        sample.sent = loop.time() - start
        try:
            async with asyncio.timeout_at(loop.time() + self._timeout):
                await self._exchange(prompt, sample, start)
        except TimeoutError:
            _fail(sample, Failure(Kind.TIMEOUT, f"no full answer within {self._timeout:g} s"))
        except Failure as failure:
            _fail(sample, failure)
        except (aiohttp.ClientError, OSError) as error:
            _fail(sample, _connection_failure(error))
        sample.finished = loop.time() - start

    async def _exchange(self, prompt: Prompt, sample: Sample, start: float) -> None:
        assert self._session is not None
        path, body = request(prompt, self._model, stream=self._stream)
        async with self._session.post(self._url + path, data=body, allow_redirects=False) as response:
            if self._group_by:
                sample.group = response.headers.get(self._group_by)
            if response.status != 200:
                raise Failure(f"http-{response.status}", await _text(response))
            try:
                if self._stream:
                    await _read_stream(response, sample, start)
                else:
                    read_whole(await response.read(), sample)
            except (aiohttp.ClientError, OSError) as error:
                if isinstance(error, TimeoutError):
                    raise
                raise Failure(Kind.TRUNCATED, f"the connection broke off: {error}") from error


def request(prompt: Prompt, model: str, *, stream: bool) -> tuple[str, bytes]:
    """Path below the API's base, and body, of a prompt."""
    body: dict[str, object] = {"model": model, "max_tokens": prompt.max_tokens}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if isinstance(prompt.ask, str):
        return "/completions", json.dumps(body | {"prompt": prompt.ask}).encode()
    return "/chat/completions", json.dumps(body | {"messages": prompt.ask}).encode()


async def _read_stream(response: aiohttp.ClientResponse, sample: Sample, start: float) -> None:
    if response.content_type != _EVENTS:
        raise Failure(Kind.BAD_BODY, f"{response.content_type} instead of a stream: {await _text(response)}")
    now = asyncio.get_running_loop().time
    stream = Stream(sample)
    async for received in response.content.iter_any():
        stream.feed(received, now() - start)
    stream.end()


async def _text(response: aiohttp.ClientResponse) -> str:
    """What a failed request was told; the status counts even if the connection ends in it."""
    try:
        return (await response.read()).decode(errors="replace")
    except (aiohttp.ClientPayloadError, ConnectionError):
        return ""


def _fail(sample: Sample, failure: Failure) -> None:
    sample.failure, sample.detail = failure.kind, failure.detail


def _connection_failure(error: Exception) -> Failure:
    """No answer began: why. aiohttp's own classes hide the system's, but keep its number."""
    text = str(error) or type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    if number == ECONNREFUSED:
        return Failure(Kind.REFUSED, text)
    if number in (ECONNRESET, ECONNABORTED, EPIPE) or isinstance(error, aiohttp.ServerDisconnectedError):
        return Failure(Kind.RESET, text)
    if isinstance(error, OSError):
        return Failure(Kind.UNREACHABLE, text)
    return Failure(Kind.BAD_BODY, text)
