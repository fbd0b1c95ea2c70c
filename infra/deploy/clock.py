"""Real time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `infra.deploy.ports.Clock`, and that of `infra.rollout.ports`."""

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)

    def time(self) -> float:
        """The present, in epoch seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait: the one place where deploy really does; tests have a clock that only jumps."""
        time.sleep(seconds)
