"""What the past of a model's rollouts says about its releases. Pure."""

from collections.abc import Iterable

from infra.rollout.ports import Record
from infra.rollout.types import Phase


def rolled_back(history: Iterable[Record]) -> set[int]:
    """Releases that people or gates took back, and that nobody has brought back since.

    `history`: newest first, as the journal tells it. A release counts when its rollout went back, or when a
    later rollout went from it to an earlier release.
    """
    fate: dict[int, bool] = {}
    for record in history:
        plan, phase = record.plan, record.status.phase
        if phase.back:
            fate.setdefault(plan.new_release, True)
        elif phase in (Phase.KEEPING, Phase.DRAINING, Phase.DONE):
            fate.setdefault(plan.new_release, False)
            fate.setdefault(plan.old_release, plan.new_release < plan.old_release)
    return {release for release, back in fate.items() if back}


def before(history: Iterable[Record], live: int) -> int | None:
    """The release that `live` took over from; None when that isn't remembered. `history`: newest first."""
    for record in history:
        plan, phase = record.plan, record.status.phase
        if plan.new_release == live and phase in (Phase.KEEPING, Phase.DRAINING, Phase.DONE):
            return plan.old_release
    return None
