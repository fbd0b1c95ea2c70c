"""What `deploy` does about a release that Terraform added: begin its rollout, go on with one, or leave it be.

Pure decisions for one model at a time. They keep people from what they can't mean: a second release on its
way while the first one still is, or the return of one that was taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.deploy.types import Facts, Rollout
from infra.errors import ExitCode, LlmctlError
from infra.rollout.history import rolled_back
from infra.rollout.ports import Record
from infra.rollout.types import Cause, Phase


class Before(StrEnum):
    """What comes before a rollout can begin."""

    NOTHING = "nothing"
    DRIVE = "drive"
    """The last one has only its old replicas to clear away."""
    FINISH = "finish"
    """The last one keeps old replicas warm: their slot is needed."""


@dataclass(frozen=True)
class Begin:
    """Roll a release out."""

    model: str
    release: int
    before: Before = Before.NOTHING


@dataclass(frozen=True)
class Drive:
    """Go on with the rollout that is there, unless whoever drives it is alive."""

    model: str
    driver: str = ""
    """Who has its lease; a driver that was killed has it for a while."""


@dataclass(frozen=True)
class Leave:
    """Do nothing about a release, and say why."""

    model: str
    why: str
    code: ExitCode


Move = Begin | Drive | Leave


def move(model: str, facts: Facts, history: Sequence[Record], *, retry: bool = False) -> Move | None:
    """What to do about a model's newest release; None when it is live, or nothing is live yet.

    `history`: the model's rollouts; `retry`: also what was rolled back before. Raises `LlmctlError`
    (conflict) while another release is on its way.
    """
    live, newest = facts.live.get(model), facts.latest_releases.get(model)
    if live is None or newest is None:
        return None
    rollout = facts.rollouts.get(model)
    if rollout is not None and not rollout.status.phase.ended:
        found = _during(model, rollout, newest)
    else:
        found = None if newest == live.release else Begin(model, newest)
    if isinstance(found, Begin) and not retry and newest in rolled_back(history):
        return _taken_back(model, live.release, newest, history)
    return found


def needs_history(model: str, facts: Facts) -> bool:
    """Whether a release waits, so that its past matters."""
    live = facts.live.get(model)
    return live is not None and facts.latest_releases.get(model, live.release) != live.release


def _during(model: str, rollout: Rollout, newest: int) -> Move | None:
    """A rollout goes on already."""
    phase, same = rollout.status.phase, rollout.plan.new_release == newest
    if phase in (Phase.KEEPING, Phase.DRAINING) and same:
        return None
    if same:
        return Drive(model, rollout.driver)
    if phase is Phase.KEEPING:
        return Begin(model, newest, Before.FINISH)
    if phase is Phase.DRAINING or phase.back:
        return Begin(model, newest, Before.DRIVE)
    raise LlmctlError(
        f"{model}: release {newest} waits, because the rollout of release {rollout.plan.new_release} "
        f"goes on ({phase} at {rollout.status.weight} %)",
        hint="wait for its end, or take it back with `llmctl abort`; then deploy again",
        code=ExitCode.CONFLICT,
    )


def _taken_back(model: str, live: int, newest: int, history: Sequence[Record]) -> Leave:
    last = next((record for record in history if record.plan.new_release == newest), None)
    wanted = last is None or not last.status.phase.back or last.status.cause is Cause.USER
    reason = f" ({last.status.reason})" if last and last.status.phase.back and last.status.reason else ""
    return Leave(
        model,
        f"{model}: release {newest} was rolled back{reason}, so release {live} stays live; change the file, "
        "or `llmctl deploy --retry` tries it again",
        ExitCode.OK if wanted else ExitCode.ROLLED_BACK,
    )
