"""What is kept of one request: moments, counts, and how it failed if it did."""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_DETAIL = 200


class Kind(StrEnum):
    """How a request failed. An HTTP status other than 200 has a kind of its own: `http-503`."""

    REFUSED = "refused"
    """Nobody listens."""
    UNREACHABLE = "unreachable"
    """No connection for another reason: name, route, TLS."""
    RESET = "reset"
    """The connection was closed before an answer began."""
    TIMEOUT = "timeout"
    """Not answered in full within --timeout."""
    TRUNCATED = "truncated"
    """An answer that began well and broke off: no finish_reason, or the connection ended in it."""
    BAD_BODY = "bad-body"
    """Status 200 with something that OpenAI's API does not know."""
    SERVER_ERROR = "error-in-stream"
    """Status 200, then an error instead of the rest."""
    NOT_SENT = "not-sent"
    """Held back by --max-in-flight until the run was over."""


class Failure(Exception):  # noqa: N818 - it reads as what happened
    """A request failed; `kind` is a `Kind` or http-STATUS."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(detail)
        self.kind = str(kind)
        self.detail = " ".join(detail.split())[:LONGEST_DETAIL]


@dataclass(slots=True, kw_only=True)
class Sample:
    """One request. Moments in seconds since the start of the run; None: it never came to that."""

    scheduled: float
    warmup: bool = False
    held_back: bool = False
    """Whether --max-in-flight made it wait."""
    sent: float | None = None
    first_token: float | None = None
    last_token: float | None = None
    finished: float | None = None
    """End of the answer, or the moment of the failure; None: given up by an interrupt."""
    longest_gap: float | None = None
    """Longest pause between two chunks with content, in seconds."""
    chunks: int = 0
    """Stream chunks with content."""
    prompt_tokens: int | None = None
    """As the server's usage says; None: it doesn't."""
    completion_tokens: int | None = None
    failure: str | None = None
    detail: str = ""
    group: str | None = None
    """Value of the header to group by."""

    @property
    def succeeded(self) -> bool:
        """Whether it was answered in full."""
        return self.finished is not None and self.failure is None

    @property
    def generated(self) -> int | None:
        """Tokens of the answer: the server's count, or else the chunks; None: neither is known."""
        return self.completion_tokens if self.completion_tokens is not None else self.chunks or None

    def token(self, now: float) -> None:
        """A chunk with content came."""
        self.chunks += 1
        if self.first_token is None or self.last_token is None:
            self.first_token = now
        elif self.longest_gap is None or now - self.last_token > self.longest_gap:
            self.longest_gap = now - self.last_token
        self.last_token = now
