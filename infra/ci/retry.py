"""Whether an answer of a code host is worth another try, and how long to wait for it.

GitHub's rules for limits: wait as `retry-after` says; else, with nothing remaining, until
`x-ratelimit-reset`; else, for a secondary limit, a minute at least.
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from collections.abc import Mapping

LONGEST = 120.0
"""Seconds; who is told to wait longer fails and says so: a job is billed by the minute."""
ATTEMPTS = 5
NO_ANSWER = 0
"""The status of a call that nobody answered."""
_SECONDARY = 60.0
_LIMITED = (403, 429)
_SERVER_ERROR = 500


def pause(
    method: str, status: int, headers: Mapping[str, str], message: str, *, attempt: int, now: float
) -> float | None:
    """Seconds until the next try, or None: give up. `headers` in lower case; `now` in epoch seconds.

    What a host refuses for its limits it has not done, so that any method may be tried again. After a
    server's error nobody knows: another POST could make a second comment.
    """
    if attempt >= ATTEMPTS:
        return None
    if status in _LIMITED:
        return _until_allowed(status, headers, message, now)
    if failed(status) and method != "POST":
        return _told(headers) or float(2 ** (attempt - 1))
    return None


def failed(status: int) -> bool:
    """Whether it may or may not have been done."""
    return status == NO_ANSWER or status >= _SERVER_ERROR


def _until_allowed(status: int, headers: Mapping[str, str], message: str, now: float) -> float | None:
    if told := _told(headers):
        return told
    if headers.get("x-ratelimit-remaining") == "0":
        return max(1.0, float(headers.get("x-ratelimit-reset", now)) - now)
    limited = status != _LIMITED[0] or "rate limit" in message.lower()
    return _SECONDARY if limited else None


def _told(headers: Mapping[str, str]) -> float | None:
    """Seconds of `retry-after`; as a date it is not used by the hosts we know."""
    value = headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
