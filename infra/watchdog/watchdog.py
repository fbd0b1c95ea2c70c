"""Looks at every model's rollout and does what it owes them, within a budget of time.

An invocation that runs out of time, or dies, loses nothing: the rollout's journal has all that the next one
needs. One model's trouble is not another's, but it is told in the end: a rollout that even the watchdog
can't take back must not go unseen.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from infra.errors import ExitCode, LlmctlError
from infra.rollout.controller import drive
from infra.rollout.ports import Clock, Record, World
from infra.rollout.requests import WATCHDOG
from infra.rollout.types import Asked, Progress, Request
from infra.watchdog.duty import Duty, due

_LOG = logging.getLogger(WATCHDOG)
_CLAIM_SECONDS = 60.0
"""How long the lease is claimed for while the abort is written; it is let go at once."""


@dataclass(frozen=True)
class Watchdog:
    """The watchdog of an environment. `holder`: how leases name this invocation."""

    models: Callable[[], Sequence[str]]
    world: Callable[[str], World]
    clock: Clock
    holder: str

    def look(self, budget: float) -> None:
        """Do what is due, for `budget` seconds at most, and a little longer for a call under way.

        Raises `LlmctlError` in the end if any rollout could not be looked after.
        """
        end = self.clock.time() + budget
        failed: list[str] = []
        owed: list[tuple[str, World, Record, Duty]] = []
        for model in self.models():
            with _contained(model, failed):
                world = self.world(model)
                record = world.journal.read()
                if record and (duty := due(record, self.clock.time())):
                    owed.append((model, world, record, duty))
        for done, (model, world, record, duty) in enumerate(owed):
            now = self.clock.time()
            # None may take the time of those after it: a rollback can wait for replicas for long.
            share = max(0.0, end - now) / (len(owed) - done)
            with _contained(model, failed):
                self._do(world, record, duty, now + share)
        if failed:
            raise LlmctlError(f"the watchdog failed to look after the rollout of {', '.join(failed)}")

    def _do(self, world: World, record: Record, duty: Duty, end: float) -> None:
        if duty is Duty.ABORT and not self._abort(world, record):
            return
        plan, phase = record.plan, record.status.phase
        _LOG.warning("%s: rollout %s is %s and nobody drives it: %s", plan.model, plan.id, phase, duty)
        drive(world, self.holder, watch=_unseen, deadline=end)

    def _abort(self, world: World, record: Record) -> bool:
        """Ask for the way back, unless somebody came back meanwhile: holding the lease tells."""
        lease = world.journal.acquire(self.holder, _CLAIM_SECONDS)
        try:
            fresh = world.journal.read()
            if fresh is None or (fresh.plan.id, fresh.status) != (record.plan.id, record.status):
                return False
            wish = Request(id=uuid4().hex, asked=Asked.ABORT, by=WATCHDOG, at=self.clock.time())
            world.journal.ask(wish)
        finally:
            world.journal.let_go(lease)
        return True


def _unseen(progress: Progress) -> None:
    """Nobody watches a function; the journal tells what it did."""


@contextmanager
def _contained(model: str, failed: list[str]) -> Iterator[None]:
    """Keep a model's trouble from the others, and remember whose it was."""
    try:
        yield
    except LlmctlError as error:
        # Somebody else drives, or has changed the weights by hand: that is for people to decide.
        if error.code is ExitCode.CONFLICT:
            _LOG.warning("%s: %s", model, error.message)
        else:
            _LOG.exception("%s: %s", model, error.message)
            failed.append(model)
    except Exception:  # noqa: BLE001 - the outermost frame: other models get their look
        _LOG.exception("%s: this look failed, the next one begins anew", model)
        failed.append(model)
