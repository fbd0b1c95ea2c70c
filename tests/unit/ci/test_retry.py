"""When a code host is asked again, and when it would do harm."""

import pytest

from infra.ci.retry import ATTEMPTS, NO_ANSWER, pause

_NOW = 1000.0


@pytest.mark.parametrize(
    ("method", "status", "headers", "message", "expected"),
    [
        ("GET", 200, {}, "", None),
        ("GET", 404, {}, "Not Found", None),
        ("GET", 502, {}, "", 1.0),
        ("PATCH", 503, {"retry-after": "7"}, "", 7.0),
        ("GET", NO_ANSWER, {}, "refused", 1.0),
        ("POST", 502, {}, "", None),
        ("POST", NO_ANSWER, {}, "reset", None),
        ("POST", 429, {"retry-after": "30"}, "", 30.0),
        ("POST", 403, {}, "You have exceeded a secondary rate limit", 60.0),
        ("GET", 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1090"}, "API rate limit", 90.0),
        ("GET", 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}, "API rate limit", 1.0),
        ("GET", 403, {"x-ratelimit-remaining": "55"}, "Resource not accessible by integration", None),
    ],
)
def test_first_pause(
    method: str, status: int, headers: dict[str, str], message: str, expected: float | None
) -> None:
    """Limits are waited out as told; failures are tried again, but not where it could be done twice."""
    assert pause(method, status, headers, message, attempt=1, now=_NOW) == expected


def test_it_ends() -> None:
    """Pauses get longer, and there is a last try."""
    pauses = [pause("GET", 500, {}, "", attempt=n, now=_NOW) for n in range(1, ATTEMPTS + 1)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, None]
