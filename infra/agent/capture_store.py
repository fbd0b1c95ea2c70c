"""Takes finished exchanges, makes records of them and ships those, in a thread of its own.

`keep` never waits and never raises: what would need too much memory is counted and forgotten. Records wait
here until the release is known, which is part of where they are written.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.agent.capture import Exchange, Origin, record
from infra.agent.capture_outbox import Outbox, Put

_LOG = logging.getLogger("recorder")
_ROUND_SECONDS = 1.0
_FIRST_RETRY = 5.0
_LONGEST_RETRY = 60.0
WAITING_BYTES = 16 << 20
_OVERHEAD = 1024
"""Bytes of an exchange beside its bodies, roughly."""


@dataclass(kw_only=True)
class Store:
    """Where samples go. `release` asks for the launch template version that this instance runs."""

    origin: Origin
    redact: tuple[str, ...]
    release: Callable[[], int | None]
    put: Put
    now: Callable[[], float] = time.monotonic
    limit: int = WAITING_BYTES
    dropped: int = 0
    """Exchanges that there was no room for."""
    _outbox: Outbox = field(init=False)
    _release: int | None = None
    _exchanges: deque[Exchange] = field(default_factory=deque)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _retry_at: float = 0.0
    _pause: float = _FIRST_RETRY
    _told: int = 0

    def __post_init__(self) -> None:
        self._outbox = Outbox(self.origin.model, self.origin.replica)
        self._thread = threading.Thread(target=self._run, name="samples", daemon=True)

    def start(self) -> None:
        """Begin to ship."""
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Ship what is left, for at most so long."""
        self._stop.set()
        self._thread.join(seconds)

    def keep(self, exchange: Exchange) -> None:
        """Take an exchange that is over."""
        with self._lock:
            if self._bytes + exchange.size > self.limit:
                self.dropped += 1
                return
            self._bytes += exchange.size + _OVERHEAD
            self._exchanges.append(exchange)

    def step(self, *, last: bool = False) -> None:
        """Ship what is due; `last`: all of it, with the release known or not."""
        now = self.now()
        if now < self._retry_at and not last:
            return
        if self._know_release() or last:
            self._record_all(now)
            if self._outbox.ship(self.put, now=now, all_of_it=last):
                self._pause = _FIRST_RETRY
                self._tell_dropped()
                return
        self._retry_at = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_RETRY)

    def _know_release(self) -> bool:
        if self._release is None and self._exchanges:
            self._release = self.release()
            return self._release is not None
        return True

    def _record_all(self, now: float) -> None:
        while True:
            with self._lock:
                if not self._exchanges:
                    return
                exchange = self._exchanges.popleft()
                self._bytes -= exchange.size + _OVERHEAD
            kept = record(exchange, self.origin, self._release, self.redact)
            self._outbox.add(kept, time=exchange.time, release=self._release, now=now)

    def _tell_dropped(self) -> None:
        total = self.dropped + self._outbox.dropped
        if total > self._told:
            _LOG.warning("samples dropped", extra={"fields": {"count": total - self._told, "total": total}})
            self._told = total

    def _run(self) -> None:
        while not self._stop.wait(_ROUND_SECONDS):
            self._safe_step(last=False)
        self._safe_step(last=True)

    def _safe_step(self, *, last: bool) -> None:
        try:
            self.step(last=last)
        except Exception:  # noqa: BLE001 - the outermost loop of a thread: samples would silently end for good
            _LOG.exception("samples")
