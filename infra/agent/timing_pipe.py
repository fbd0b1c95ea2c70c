"""Reports of requests on their way from the recorder to the agent: lines through a pipe.

No answer ever waits for it. What the pipe doesn't take at once waits here, up to a bound; beyond that reports
are dropped, and how many is the next thing that the agent is told.
"""

import asyncio
import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from infra.agent.timing import Report

_LOG = logging.getLogger("agent")
_WAITING = 10_000


@dataclass
class Outlet:
    """The recorder's end. Lines are short enough (below PIPE_BUF) to be taken whole or not at all."""

    pipe: int
    """A file descriptor, to be had for itself."""
    limit: int = _WAITING
    lost: int = 0
    _waiting: deque[bytes] = field(default_factory=deque)
    _watched: bool = False

    def __post_init__(self) -> None:
        os.set_blocking(self.pipe, False)

    def give(self, report: Report) -> None:
        """Pass a report on, as soon as there is room. Only within a running event loop."""
        if len(self._waiting) < self.limit:
            self._waiting.append(report.to_line())
        else:
            self.lost += 1
        self._flush()

    def _flush(self) -> None:
        try:
            while self._waiting:
                os.write(self.pipe, self._waiting[0])
                self._waiting.popleft()
            if self.lost:
                os.write(self.pipe, json.dumps({"lost": self.lost}).encode() + b"\n")
                self.lost = 0
        except BlockingIOError:
            self._watch(True)
        except OSError:  # the agent is gone, and we are about to follow
            self._waiting.clear()
            self._watch(False)
        else:
            self._watch(False)

    def _watch(self, wanted: bool) -> None:
        if wanted == self._watched:
            return
        self._watched = wanted
        loop = asyncio.get_running_loop()
        if wanted:
            loop.add_writer(self.pipe, self._flush)
        else:
            loop.remove_writer(self.pipe)


def receive(lines: Iterable[bytes], take: Callable[[Report], None], lost: Callable[[int], None]) -> None:
    """The agent's end: every report, and how many are missing, until the recorder's end is closed."""
    for line in lines:
        try:
            document = json.loads(line)
            if "lost" in document:
                lost(int(document["lost"]))
            else:
                take(Report.from_document(document))
        except (ValueError, TypeError, KeyError) as error:
            _LOG.warning("a report of the recorder's", extra={"fields": {"error": str(error)}})
            lost(1)
