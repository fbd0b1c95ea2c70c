"""Every mutation leaves an event, however it ends: who asks later finds what was tried, not only what worked.

An event that can't be written never hides the failure that it was to tell of.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from infra.deploy.ports import Runtime
from infra.errors import LlmctlError


@dataclass
class Outcome:
    """What the event will say if nothing goes wrong."""

    result: str = "done"


@contextmanager
def audited(runtime: Runtime, action: str, target: str) -> Iterator[Outcome]:
    """Record the action once it has ended; a failure and Ctrl-C as such, and they go on to the caller."""
    outcome = Outcome()
    try:
        yield outcome
    except (LlmctlError, KeyboardInterrupt) as error:
        why = f"failed: {error.message.splitlines()[0]}" if isinstance(error, LlmctlError) else "interrupted"
        with suppress(LlmctlError):
            runtime.record(action, target, why)
        raise
    runtime.record(action, target, outcome.result)
