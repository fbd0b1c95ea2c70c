"""JSON over HTTPS as code hosts speak it: pages by the Link header, limits, errors in our own words.

The token goes to the host it is for and to no other: redirects are not followed with it, and a next page
elsewhere is refused.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, NoReturn, Protocol
from urllib.parse import urlencode, urlsplit

from infra.ci.retry import ATTEMPTS, LONGEST, NO_ANSWER, failed, pause
from infra.errors import ExitCode, LlmctlError, Refused

_TIMEOUT = 30.0
_REDIRECTS = (301, 302, 303, 307, 308)
_OK = range(200, 300)
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404


class Clock(Protocol):
    """Time, as retries need it."""

    def time(self) -> float:
        """Epoch seconds."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a host answered."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes

    @property
    def message(self) -> str:
        """What the host says is wrong, or nothing."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return ""
        return str(told.get("message") or told.get("error") or "") if isinstance(told, dict) else ""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


class Rest:
    """One host's API. `base`: its address; `secrets`: the headers that say who we are."""

    def __init__(self, base: str, secrets: Mapping[str, str], clock: Clock) -> None:
        if urlsplit(base).scheme not in ("https", "http"):
            raise Refused(f"{base!r} is no address of an API", hint="it begins with https://")
        self._base = base.rstrip("/")
        self._secrets = secrets
        self._clock = clock
        self._open = urllib.request.build_opener(_NoRedirects).open

    def get(self, path: str, *, needs: str, absent: Any = NotImplemented, **parameters: object) -> Any:
        """One document. `needs`: the permission to name when it is refused; `absent`: instead of a 404."""
        answer = self._ask("GET", self._address(path, parameters))
        if answer.status == _NOT_FOUND and absent is not NotImplemented:
            return absent
        return self._document("GET", path, answer, needs)

    def pages(self, path: str, *, needs: str, key: str | None = None, **parameters: object) -> Iterator[Any]:
        """Every item of a list, page by page; `key`: where in a page the list is."""
        address: str | None = self._address(path, {"per_page": 100, **parameters})
        while address:
            answer = self._ask("GET", address)
            document = self._document("GET", path, answer, needs)
            yield from document[key] if key else document
            address = self._next(answer)

    def send(self, method: str, path: str, body: Mapping[str, object] | None = None, *, needs: str) -> Any:
        """Change something; None when the host answers nothing. What is deleted already counts as deleted."""
        answer = self._ask(method, self._address(path, {}), body)
        if method == "DELETE" and answer.status == _NOT_FOUND:
            return None
        return self._document(method, path, answer, needs)

    def download(self, path: str, *, needs: str, most: int) -> bytes:
        """A file of `most` bytes, which hosts keep elsewhere: fetched from there without our token."""
        answer = self._ask("GET", self._address(path, {}))
        if answer.status in _REDIRECTS:
            answer = self._try("GET", answer.headers.get("location", ""), None, {}, most + 1)
        if answer.status not in _OK:
            self._fail("GET", path, answer, needs)
        if len(answer.body) > most:
            raise Refused(f"{path} is larger than {most} bytes")
        return answer.body

    def _address(self, path: str, parameters: Mapping[str, object]) -> str:
        return f"{self._base}{path}" + (f"?{urlencode(parameters)}" if parameters else "")

    def _ask(self, method: str, address: str, body: Mapping[str, object] | None = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._try(method, address, data, self._secrets)
            told = (answer.status, answer.headers, answer.message)
            wait = pause(method, *told, attempt=attempt, now=self._clock.time())
            if wait is None:
                break
            if wait > LONGEST:
                raise LlmctlError(
                    f"{self._host} wants us to wait {wait:.0f} s: {answer.message or answer.status}",
                    hint="run the job again later; its rate limit is used up",
                )
            self._clock.sleep(wait)
        return answer

    def _try(
        self,
        method: str,
        address: str,
        data: bytes | None,
        secrets: Mapping[str, str],
        most: int = -1,
    ) -> Answer:
        if urlsplit(address).scheme not in ("https", "http"):
            raise LlmctlError(f"{self._host} sent us to {address!r}")
        headers = {"User-Agent": "llmctl", "Accept": "application/json", **secrets}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(address, data, headers, method=method)  # noqa: S310 - checked above
        try:
            with self._open(request, timeout=_TIMEOUT) as answer:
                return _answer(answer.status, answer.headers, answer.read(most))
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error.read())
        except (urllib.error.URLError, HTTPException, OSError) as error:
            return Answer(status=NO_ANSWER, headers={}, body=json.dumps({"message": str(error)}).encode())

    def _next(self, answer: Answer) -> str | None:
        """Address of the next page (RFC 8288), which must be on the same host."""
        found = re.search(r'<([^>]+)>;\s*rel="next"', answer.headers.get("link", ""))
        if found is None:
            return None
        if urlsplit(found[1])[:2] != urlsplit(self._base)[:2]:
            raise LlmctlError(f"{self._host} has its next page elsewhere: {found[1]}")
        return found[1]

    def _document(self, method: str, path: str, answer: Answer, needs: str) -> Any:
        if answer.status not in _OK:
            self._fail(method, path, answer, needs)
        try:
            return json.loads(answer.body) if answer.body else None
        except ValueError as error:
            raise LlmctlError(f"{method} {path}: {self._host} answered no JSON: {error}") from error

    def _fail(self, method: str, path: str, answer: Answer, needs: str) -> NoReturn:
        how = "did not answer" if answer.status == NO_ANSWER else f"answered {answer.status}"
        said = f"{method} {path}: {self._host} {how}: {answer.message or '(no message)'}"
        if answer.status == _UNAUTHORIZED:
            raise Refused(said, hint="the token is missing, wrong or expired")
        if answer.status in (_FORBIDDEN, _NOT_FOUND):
            raise Refused(said, hint=f"the job needs `{needs}`")
        unknown = method == "POST" and failed(answer.status)
        raise LlmctlError(
            said,
            hint="run it again: it begins with what is there" if unknown else "",
            code=ExitCode.OUTCOME_UNKNOWN if unknown else ExitCode.FAILED,
        )

    @property
    def _host(self) -> str:
        return urlsplit(self._base).netloc


def _answer(status: int, headers: Any, body: bytes) -> Answer:
    lower = {name.lower(): value for name, value in headers.items()}
    return Answer(status=status, headers=lower, body=body)
