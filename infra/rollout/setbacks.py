"""How a driver bears errors: it tries again, ever more slowly, and gives up when they don't end."""

from infra.errors import ExitCode, LlmctlError

_PATIENCE = 300.0
"""Seconds of nothing but errors after which the driver gives up; the rollout holds meanwhile."""
_FIRST = 1.0
_SLOWEST = 15.0
_PASSING = (ExitCode.FAILED, ExitCode.OUTCOME_UNKNOWN)
"""Others, such as missing rights, don't pass by themselves."""


class Setbacks:
    """Errors in a row."""

    def __init__(self, *, longest: float = _SLOWEST) -> None:
        self._longest = min(longest, _SLOWEST)
        self._since: float | None = None
        self._count = 0

    def over(self) -> None:
        """A round went well."""
        self._since, self._count = None, 0

    def pause(self, error: LlmctlError, now: float) -> float:
        """Seconds to wait before the next try; raises the error when another try is of no use."""
        self._since = now if self._since is None else self._since
        if error.code not in _PASSING or now - self._since >= _PATIENCE:
            raise error
        self._count += 1
        return min(self._longest, _FIRST * 2.0 ** (self._count - 1))
