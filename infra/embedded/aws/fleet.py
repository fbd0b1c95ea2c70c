"""What autoscaling does next, as pure functions over small values.

Given one group, its instances and the time, `decide` says which instances to launch, retire, advance or end.
It knows the rules of EC2 Auto Scaling (lifecycle states, hooks, health, zones, purchase options) and nothing
of moto: `autoscaling` observes, asks here, and carries out. Times are epoch seconds. Weighted capacity,
standby and instance refresh are not modelled; warm pools are in `warm_pool`.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

GLOBAL_TIMEOUT = 172_800
"""A hook can be prolonged by heartbeats for this long: 48 hours."""
GLOBAL_TIMEOUT_HEARTBEATS = 100
"""... or for this many heartbeat timeouts, whichever is smaller."""
_REBALANCED = "in response to an EC2 instance rebalance recommendation"
_DEAD = frozenset({"shutting-down", "terminated", "stopping", "stopped"})


class Lifecycle(StrEnum):
    """Lifecycle states of an instance in a group."""

    PENDING = "Pending"
    PENDING_WAIT = "Pending:Wait"
    PENDING_PROCEED = "Pending:Proceed"
    IN_SERVICE = "InService"
    TERMINATING = "Terminating"
    TERMINATING_WAIT = "Terminating:Wait"
    TERMINATING_PROCEED = "Terminating:Proceed"
    WARMED_PENDING = "Warmed:Pending"
    WARMED_PENDING_WAIT = "Warmed:Pending:Wait"
    WARMED_PENDING_PROCEED = "Warmed:Pending:Proceed"
    WARMED_STOPPED = "Warmed:Stopped"

    @property
    def leaving(self) -> bool:
        """Whether the instance no longer counts as capacity."""
        return self.value.startswith("Terminating")

    @property
    def warmed(self) -> bool:
        """Whether the instance is in a warm pool."""
        return self.value.startswith("Warmed")


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A lifecycle hook."""

    name: str
    launching: bool
    heartbeat_timeout: int
    default_result: str


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One hook that an instance waits for."""

    hook: str
    started: float
    deadline: float
    default_result: str
    result: str | None = None
    """CONTINUE or ABANDON once the action was completed."""

    def outcome(self, now: float) -> str | None:
        """Tell the result: given, or by default after the deadline; None while it is open."""
        return self.result or (self.default_result if now >= self.deadline else None)

    def prolonged(self, now: float, heartbeat_timeout: int) -> "Wait":
        """Start the heartbeat timeout anew, within the global timeout."""
        limit = self.started + min(GLOBAL_TIMEOUT, GLOBAL_TIMEOUT_HEARTBEATS * heartbeat_timeout)
        return replace(self, deadline=min(now + heartbeat_timeout, limit))


@dataclass(frozen=True, kw_only=True)
class Member:
    """An instance of a group, as observed now."""

    id: str
    zone: str
    instance_type: str
    market: str
    lifecycle: Lifecycle
    ec2_state: str
    launched: float
    template_version: int = 0
    in_service_since: float | None = None
    marked_unhealthy: bool = False
    """SetInstanceHealth said so."""
    balancer_unhealthy: bool = False
    """A target group of the group says so."""
    threatened: bool = False
    """The spot market gave notice, or recommends to replace it."""
    protected: bool = False
    draining: bool = False
    waits: tuple[Wait, ...] = ()

    @property
    def dead(self) -> bool:
        """Whether EC2 has ended or is ending it."""
        return self.ec2_state in _DEAD


@dataclass(frozen=True, kw_only=True)
class Place:
    """A subnet to launch in."""

    subnet: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """InstancesDistribution: how much is bought on demand."""

    on_demand_base: int = 0
    on_demand_percentage: int = 100

    def on_demand_of(self, total: int) -> int:
        """How many of `total` instances are on demand; rounded in their favour, as AWS does."""
        above = max(total - self.on_demand_base, 0)
        return min(total, self.on_demand_base) + math.ceil(above * self.on_demand_percentage / 100)


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group, as observed now."""

    desired: int
    places: tuple[Place, ...]
    types: tuple[str, ...]
    """Acceptable instance types, preferred first."""
    distribution: Distribution = Distribution()
    hooks: tuple[Hook, ...] = ()
    elb_health: bool = False
    grace: int = 0
    suspended: frozenset[str] = frozenset()
    rebalance: bool = False
    """Replace those that are threatened: they stay until as many others as desired are in service."""
    may_launch: bool = True
    """False for a while after a launch has failed."""
    deleting: bool = False
    """Force-deleted: everything goes, hooks are not waited for."""
    members: tuple[Member, ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to get an instance."""

    place: Place
    instance_type: str
    market: str


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Launch one instance: the first candidate that the market grants."""

    candidates: tuple[Candidate, ...]
    cause: str


@dataclass(frozen=True, kw_only=True)
class Move:
    """Advance an instance to the next lifecycle state; on a Wait state, with the hooks to wait for."""

    member: str
    to: Lifecycle
    waits: tuple[Wait, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Retire:
    """Begin to terminate an instance."""

    member: str
    cause: str
    failed: bool = False
    """The instance never made it into service."""


@dataclass(frozen=True, kw_only=True)
class End:
    """Terminate the EC2 instance and forget it."""

    member: str


Step = Launch | Move | Retire | End


def decide(group: Group, now: float) -> tuple[Step, ...]:
    """Tell all steps that are due; what retires is replaced in the same round."""
    retirements = {m.id: retire for m in group.members if (retire := _retire(group, m, now))}
    staying = [m for m in group.members if not m.lifecycle.leaving and m.id not in retirements]
    threatened = [m for m in staying if group.rebalance and m.threatened and not group.suspended]
    staying = [m for m in staying if m not in threatened]
    if sum(m.lifecycle is Lifecycle.IN_SERVICE for m in staying) >= group.desired:
        retirements |= {m.id: Retire(member=m.id, cause=_REBALANCED) for m in threatened}
    surplus = _surplus(group, staying)
    moves = [
        step
        for member in group.members
        if member.id not in retirements
        and member.id not in {s.member for s in surplus}
        and (step := _advance(group, member, now))
    ]
    return (*retirements.values(), *surplus, *moves, *_launches(group, staying))


def _retire(group: Group, member: Member, now: float) -> Retire | None:
    """Tell why an instance must go, whatever the desired capacity."""
    if member.lifecycle.leaving:
        return None
    if member.lifecycle is not Lifecycle.IN_SERVICE:
        return _retire_before_service(member, now)
    if group.suspended & {"HealthCheck", "ReplaceUnhealthy", "Terminate"}:
        return None
    cause = _ill(group, member, now)
    return Retire(member=member.id, cause=cause) if cause else None


def _retire_before_service(member: Member, now: float) -> Retire | None:
    if member.dead:
        return Retire(
            member=member.id,
            cause=f"EC2 instance status check showed it in state {member.ec2_state} before it was in service",
            failed=True,
        )
    abandoned = [wait.hook for wait in member.waits if wait.outcome(now) == "ABANDON"]
    if member.lifecycle is Lifecycle.PENDING_WAIT and abandoned:
        return Retire(
            member=member.id,
            cause=f"Lifecycle Action with hook {abandoned[0]} was completed with ABANDON or timed out",
            failed=True,
        )
    return None


def _ill(group: Group, member: Member, now: float) -> str | None:
    if member.dead:
        return "in response to an EC2 health check indicating it has been terminated or stopped"
    if member.marked_unhealthy:
        return "it was marked unhealthy by a SetInstanceHealth request"
    started = member.in_service_since if member.in_service_since is not None else now
    if group.elb_health and member.balancer_unhealthy and now - started >= group.grace:
        return "an ELB health check failed"
    return None


def _advance(group: Group, member: Member, now: float) -> Step | None:
    """Tell the next step of an instance that moves through its lifecycle."""
    state = member.lifecycle
    if state is Lifecycle.PENDING and member.ec2_state == "running":
        return _enter_wait(group, member, now, launching=True)
    if state is Lifecycle.PENDING_WAIT and all_done(member, now):
        return Move(member=member.id, to=Lifecycle.PENDING_PROCEED)
    if state is Lifecycle.PENDING_PROCEED:
        return Move(member=member.id, to=Lifecycle.IN_SERVICE)
    if state.leaving and (member.dead or group.deleting):
        # A dead instance has nothing to finish, and nobody is there to complete its hook.
        return End(member=member.id)
    if state is Lifecycle.TERMINATING and not member.draining:
        # As on AWS, the balancer drains first and the hook begins afterwards.
        return _enter_wait(group, member, now, launching=False)
    if state is Lifecycle.TERMINATING_WAIT and all_done(member, now):
        return Move(member=member.id, to=Lifecycle.TERMINATING_PROCEED)
    if state is Lifecycle.TERMINATING_PROCEED:
        return End(member=member.id)
    return None


def all_done(member: Member, now: float) -> bool:
    """Whether nothing is waited for any more."""
    return all(wait.outcome(now) is not None for wait in member.waits)


def waits_for(hooks: Sequence[Hook], now: float, *, launching: bool) -> tuple[Wait, ...]:
    """The waits that begin now."""
    return tuple(
        Wait(
            hook=hook.name,
            started=now,
            deadline=now + hook.heartbeat_timeout,
            default_result=hook.default_result,
        )
        for hook in hooks
        if hook.launching is launching
    )


def _enter_wait(group: Group, member: Member, now: float, *, launching: bool) -> Move:
    waits = waits_for(group.hooks, now, launching=launching)
    waiting, proceed = (
        (Lifecycle.PENDING_WAIT, Lifecycle.PENDING_PROCEED)
        if launching
        else (Lifecycle.TERMINATING_WAIT, Lifecycle.TERMINATING_PROCEED)
    )
    return Move(member=member.id, to=waiting if waits else proceed, waits=waits)


def _surplus(group: Group, staying: Sequence[Member]) -> tuple[Retire, ...]:
    """Tell which instances go because there are more than desired."""
    if "Terminate" in group.suspended and not group.deleting:
        return ()
    left = list(staying)
    going: list[Retire] = []
    while len(left) > group.desired and (victim := _victim(group, left)):
        left.remove(victim)
        cause = (
            "in response to a difference between desired and actual capacity, "
            f"shrinking the capacity from {len(left) + 1} to {len(left)}"
        )
        going.append(Retire(member=victim.id, cause=cause))
    return tuple(going)


def _victim(group: Group, staying: Sequence[Member]) -> Member | None:
    """Choose as AWS does by default: crowded zone, market in excess, oldest template version, oldest."""
    choice = [member for member in staying if group.deleting or not member.protected]
    if not choice:
        return None
    crowd = Counter(member.zone for member in staying)
    fullest = max(crowd[member.zone] for member in choice)
    on_demand = sum(member.market == "on-demand" for member in staying)
    excess = "on-demand" if on_demand > group.distribution.on_demand_of(len(staying) - 1) else "spot"
    return min(
        choice,
        key=lambda m: (
            crowd[m.zone] != fullest,
            m.market != excess,
            m.template_version,
            m.launched,
            m.id,
        ),
    )


def _launches(group: Group, staying: Sequence[Member]) -> tuple[Launch, ...]:
    missing = group.desired - len(staying)
    held_back = group.deleting or not group.may_launch or "Launch" in group.suspended
    if missing <= 0 or held_back or not group.places:
        return ()
    crowd = Counter(member.zone for member in staying)
    on_demand = sum(member.market == "on-demand" for member in staying)
    steps: list[Launch] = []
    for count in range(len(staying) + 1, group.desired + 1):
        market = "on-demand" if on_demand < group.distribution.on_demand_of(count) else "spot"
        on_demand += market == "on-demand"
        ways = candidates(group.places, group.types, market, crowd)
        crowd[ways[0].place.zone] += 1
        cause = (
            "an instance was started in response to a difference between desired and actual capacity, "
            f"increasing the capacity from {count - 1} to {count}"
        )
        steps.append(Launch(candidates=ways, cause=cause))
    return tuple(steps)


def candidates(
    places: Sequence[Place],
    types: Sequence[str],
    market: str,
    crowd: Mapping[str, int] | None = None,
) -> tuple[Candidate, ...]:
    """Order the ways to launch: emptiest zone first, within it by preference of type.

    `crowd`: instances by zone.
    """
    order = {place.subnet: position for position, place in enumerate(places)}
    ordered = sorted(places, key=lambda place: ((crowd or {}).get(place.zone, 0), order[place.subnet]))
    return tuple(
        Candidate(place=place, instance_type=instance_type, market=market)
        for place in ordered
        for instance_type in types
    )
