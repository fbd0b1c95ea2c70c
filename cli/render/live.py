"""Shows a changing state while a command waits: a live table on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live

from cli.render.status import progress_line, state_view
from infra.deploy.types import EnvironmentState
from infra.deploy.wait import Watcher


@contextmanager
def watching() -> Iterator[Watcher]:
    """Yield a function that shows each state it is given, on stderr."""
    if sys.stderr.isatty():
        with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:
            yield lambda state: live.update(state_view(state, datetime.now(UTC)))
    else:
        yield _PlainLines()


class _PlainLines:
    """Writes a line whenever something changed, and only then."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, state: EnvironmentState) -> None:
        line = progress_line(state)
        if line != self._last:
            self._last = line
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
