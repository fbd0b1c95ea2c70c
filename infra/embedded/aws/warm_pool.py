"""What a group's warm pool does next, as pure functions: instances that booted once and wait, stopped.

They are launched as others are, run the launch hooks with `Warmed:Stopped` as their target, and are stopped.
A group that grows starts one of them instead of launching (`ready`), and the pool is filled again. Only pools
of stopped instances are emulated, without reuse. Times are epoch seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.embedded.aws.fleet import End, Hook, Lifecycle, Member, Move, all_done, waits_for


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A warm pool, as observed now."""

    size: int
    """How many instances it ought to have."""
    hooks: tuple[Hook, ...] = ()
    members: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Stop:
    """Stop an instance: it is ready."""

    member: str


@dataclass(frozen=True)
class Warm:
    """Launch one instance into the pool."""


Step = Stop | Warm | Move | End


def size(minimum: int, most_prepared: int | None, desired: int, maximum: int) -> int:
    """Instances of a pool: what the capacity to be prepared lacks, and never less than its minimum."""
    prepared = maximum if most_prepared is None or most_prepared < 0 else most_prepared
    return max(minimum, prepared - desired)


def decide(pool: Pool, now: float) -> tuple[Step, ...]:
    """All steps that are due: those lost or too many end, others advance, missing ones are launched."""
    lost = [member for member in pool.members if _is_lost(member, now)]
    staying = [member for member in pool.members if member not in lost]
    surplus = staying[pool.size :]
    steps: list[Step] = [End(member=member.id) for member in (*lost, *surplus)]
    for member in staying[: pool.size]:
        if step := _advance(pool, member, now):
            steps.append(step)
    steps += [Warm()] * (pool.size - len(staying))
    return tuple(steps)


def ready(members: Sequence[Member], market: str) -> Member | None:
    """The one that is started next: of that market, the one that waits for longest."""
    stopped = [
        member
        for member in members
        if member.lifecycle is Lifecycle.WARMED_STOPPED
        and member.ec2_state == "stopped"
        and member.market == market
    ]
    return min(stopped, key=lambda member: (member.launched, member.id), default=None)


def _is_lost(member: Member, now: float) -> bool:
    gone = member.ec2_state in ("shutting-down", "terminated")
    return gone or any(wait.outcome(now) == "ABANDON" for wait in member.waits)


def _advance(pool: Pool, member: Member, now: float) -> Step | None:
    state = member.lifecycle
    if state is Lifecycle.WARMED_PENDING and member.ec2_state == "running":
        waits = waits_for(pool.hooks, now, launching=True)
        return Move(
            member=member.id,
            to=Lifecycle.WARMED_PENDING_WAIT if waits else Lifecycle.WARMED_PENDING_PROCEED,
            waits=waits,
        )
    if state is Lifecycle.WARMED_PENDING_WAIT and all_done(member, now):
        return Move(member=member.id, to=Lifecycle.WARMED_PENDING_PROCEED)
    if state is Lifecycle.WARMED_PENDING_PROCEED:
        return Stop(member.id)
    return None
