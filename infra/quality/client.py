"""One OpenAI-compatible API: a release of ours, an embedding model, or a judge.

It returns what was answered or says in one line why nothing was, and judges nothing. That an answer came
from the wanted slot can't be seen in it: the balancer's rule for `SLOT_HEADER` guarantees it. Nothing is
sent to the network's proxies, no redirect is followed (a key must not leave with it).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from infra.environment.names import SLOT_HEADER, slot_header
from infra.environment.slots import Slot
from infra.quality.prompts import GoldenPrompt

TIMEOUT = 120.0
"""Seconds for a whole answer."""
_LONGEST_REPLY = 16 * 2**20
_EXCERPT = 200
_BACKOFF = 1.0
_BUSY = frozenset({408, 429, 500, 502, 503, 504})


class AskError(Exception):
    """There is no answer; the message says why, in one line."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
        """Whether asking again may help."""


Ask = Callable[[Slot, GoldenPrompt], Awaitable[str]]
"""Asks one release; raises `AskError`."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a model is asked."""

    url: str
    """The API's base, ending in /v1."""
    model: str
    """What is sent as "model"."""
    api_key: str | None


class Api:
    """Posts JSON below a base URL. Use as an asynchronous context manager.

    `retries`: how often a request that failed for a passing reason is sent again, after 1, 2, 4... seconds.
    For releases under test it is 0: their failures are a finding, not an obstacle.
    """

    def __init__(self, endpoint: Endpoint, *, timeout: float = TIMEOUT, retries: int = 0) -> None:
        self.model = endpoint.model
        self._url = endpoint.url.rstrip("/")
        self._key = endpoint.api_key
        self._timeout = timeout
        self._retries = retries
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The reply's JSON object; raises `AskError`."""
        for left in range(self._retries, 0, -1):
            try:
                return await self._post(path, body, headers)
            except AskError as error:
                if not error.passing:
                    raise
                await asyncio.sleep(_BACKOFF * 2 ** (self._retries - left))
        return await self._post(path, body, headers)

    async def _post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None
    ) -> dict[str, Any]:
        assert self._session is not None
        try:
            async with self._session.post(
                self._url + path, data=json.dumps(body).encode(), headers=headers, allow_redirects=False
            ) as response:
                content = await response.content.read(_LONGEST_REPLY)
                while chunk := await response.content.read(_LONGEST_REPLY - len(content)):
                    content += chunk
        except TimeoutError:
            raise AskError(f"no answer within {self._timeout:g} s", passing=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise AskError(f"connection: {error or type(error).__name__}", passing=True) from error
        except ValueError as error:
            raise AskError(f"the request can't be sent: {error}") from error
        if response.status != 200:
            raise AskError(f"status {response.status}: {_excerpt(content)}", passing=response.status in _BUSY)
        return _object(content)


class Releases:
    """Asks either slot of a model directly."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, slot: Slot, prompt: GoldenPrompt) -> str:
        """The slot's answer; raises `AskError`."""
        path, body = request(prompt, self._api.model)
        header = {SLOT_HEADER: slot_header(self._api.model, slot)}
        return content_of(await self._api.post(path, body, header))


def request(prompt: GoldenPrompt, model: str) -> tuple[str, dict[str, Any]]:
    """Path below the API's base, and body, of a prompt."""
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
    }
    if prompt.seed is not None:
        body["seed"] = prompt.seed
    if isinstance(prompt.ask, str):
        return "/completions", body | {"prompt": prompt.ask}
    return "/chat/completions", body | {"messages": list(prompt.ask)}


def content_of(reply: Mapping[str, Any]) -> str:
    """The text of a completion, of either API; thoughts aside. Raises `AskError` when there is no choice."""
    try:
        choice = reply["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
    except (KeyError, IndexError, TypeError) as error:
        raise AskError(f"the reply has no answer in it: {_excerpt(json.dumps(reply).encode())}") from error
    # A model that only calls a tool says nothing.
    return text if isinstance(text, str) else ""


def _object(content: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(content)
    except ValueError:
        reply = None
    if not isinstance(reply, dict):
        raise AskError(f"the reply is no JSON object: {_excerpt(content)}")
    if reply.get("error"):
        raise AskError(f"the server says: {_excerpt(json.dumps(reply['error']).encode())}")
    return reply


def _excerpt(content: bytes) -> str:
    return " ".join(content.decode(errors="replace").split())[:_EXCERPT]
