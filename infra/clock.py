"""Real time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements the `Clock` of every room: deploy, rollout, guardian."""

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)

    def time(self) -> float:
        """The present, in epoch seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait: the one place where decisions really do; tests have a clock that only jumps."""
        time.sleep(seconds)
