"""Looks after every model: sees, asks the spot policy, resizes the on-demand group, says why.

It changes nothing but that group's desired size, within the group's own bounds, and its warm pool. Each look
sets an absolute size from a fresh observation, so one that dies, is late, or runs beside another loses and
doubles nothing. While a rollout of the model goes on, sizes are its driver's: the guardian only adds what
spot lacks.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from infra.errors import LlmctlError
from infra.guardian.config import GuardedModel
from infra.guardian.sight import observe, remembered
from infra.guardian.types import LiveSlot
from infra.spot.policy import decide

_LOG = logging.getLogger("guardian")
_CONFIRM_SECONDS = 10.0
"""A group takes some seconds to launch what it was just asked for, or to replace what has just died: what is
missing for longer isn't coming."""


class Clock(Protocol):
    """Time."""

    def time(self) -> float:
        """Epoch seconds."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Cloud(Protocol):
    """What `AwsCloud` does, for tests."""

    def models(self) -> Sequence[GuardedModel]:
        """The models to look after."""

    def live(self, model: str, since: float) -> LiveSlot | None:
        """The model's live slot, with the past since `since` (epoch seconds); None before it has one."""

    def resize(self, group: str, desired: int) -> None:
        """Set a group's desired size."""

    def stand_by(self, group: str, count: int) -> None:
        """Let a group's warm pool have so many stopped instances; 0: no warm pool."""

    def record(self, action: str, model: str, result: str) -> None:
        """Append to the audit log."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the on-demand group is to be."""

    group: str
    before: int
    after: int
    why: str


def change(model: GuardedModel, slot: LiveSlot, now: float) -> Change | None:
    """What to change now; None: nothing. Pure."""
    group = slot.on_demand
    target = decide(model.settings, observe(model, slot), now).on_demand
    after = max(group.minimum, min(target.size, group.maximum))
    if slot.rolling:
        after = max(after, group.desired)
    if after == group.desired:
        return None
    return Change(group.name, group.desired, after, target.why)


def standbys(model: GuardedModel, slot: LiveSlot) -> tuple[tuple[str, int], ...]:
    """Warm pools to change: (group, instances that are to stand by). Pure.

    Only the live slot has one: an instance boots what its group was pinned to when it was prepared, so a pool
    must be gone before its slot gets another release.
    """
    wanted = [(slot.on_demand, model.standby), *((group, 0) for group in slot.idle)]
    return tuple((group.name, count) for group, count in wanted if (group.standby or 0) != count)


@dataclass(frozen=True)
class Guardian:
    """The guardian of an environment."""

    cloud: Cloud
    clock: Clock

    def look(self) -> None:
        """Look at every model, and again at those that lack something, before anything is added.

        Raises `LlmctlError` in the end if any could not be looked after.
        """
        failed: list[str] = []
        first = partial(self._first_look, failed)
        lacking = [model for model in self.cloud.models() if self._contained(model, failed, first)]
        if lacking:
            self.clock.sleep(_CONFIRM_SECONDS)
        for model in lacking:
            self._contained(model, failed, self._second_look)
        if failed:
            raise LlmctlError(f"the guardian failed to look after {', '.join(failed)}")

    def _contained(
        self, model: GuardedModel, failed: list[str], look: Callable[[GuardedModel], bool | None]
    ) -> bool:
        """Keep a model's trouble from the others, and remember whose it was."""
        try:
            return bool(look(model))
        except Exception:  # noqa: BLE001 - the outermost frame: other models get their look
            _LOG.exception("%s: this look failed, the next one begins anew", model.name)
            failed.append(model.name)
            return False

    def _first_look(self, failed: list[str], model: GuardedModel) -> bool:
        """Give back what is too much, and keep the warm pools; whether something is missing."""
        now = self.clock.time()
        slot = self.cloud.live(model.name, now - remembered(model.settings))
        if slot is None:
            return False
        due = change(model, slot, now)
        if due and due.after < due.before:
            self._make(due, model)
        # By itself: a pool that AWS refuses must not keep anything from being added.
        self._contained(model, failed, partial(self._keep_pools, slot))
        return bool(due and due.after > due.before)

    def _keep_pools(self, slot: LiveSlot, model: GuardedModel) -> None:
        for group, count in standbys(model, slot):
            self.cloud.stand_by(group, count)
            self.cloud.record("standby", model.name, f"{group}: {count} stopped instances")

    def _second_look(self, model: GuardedModel) -> bool:
        """Add what is still missing."""
        now = self.clock.time()
        slot = self.cloud.live(model.name, now - remembered(model.settings))
        due = change(model, slot, now) if slot else None
        if due and due.after > due.before:
            self._make(due, model)
        return due is not None

    def _make(self, due: Change, model: GuardedModel) -> None:
        self.cloud.resize(due.group, due.after)
        action = "on demand added" if due.after > due.before else "on demand given back"
        self.cloud.record(action, model.name, f"{due.group}: {due.before} to {due.after}: {due.why}")
