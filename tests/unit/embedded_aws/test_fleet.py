"""Autoscaling's decisions."""

import pytest

from infra.embedded.aws.fleet import (
    Candidate,
    Distribution,
    End,
    Group,
    Hook,
    Launch,
    Lifecycle,
    Member,
    Move,
    Place,
    Retire,
    Wait,
    decide,
)

NOW = 1_000.0
A, B = Place(subnet="subnet-a", zone="a"), Place(subnet="subnet-b", zone="b")
UP = Hook(name="up", launching=True, heartbeat_timeout=60, default_result="ABANDON")
DOWN = Hook(name="down", launching=False, heartbeat_timeout=30, default_result="CONTINUE")


def member(name: str = "i-1", **changes: object) -> Member:
    """Return an on-demand instance in service in zone a."""
    defaults: dict[str, object] = {
        "id": name,
        "zone": "a",
        "instance_type": "g5.xlarge",
        "market": "on-demand",
        "lifecycle": Lifecycle.IN_SERVICE,
        "ec2_state": "running",
        "launched": 0.0,
        "in_service_since": 0.0,
    }
    return Member(**(defaults | changes))  # type: ignore[arg-type]


def group(*members: Member, desired: int | None = None, **changes: object) -> Group:
    """Return a group in two zones; it wants what it has unless told otherwise."""
    defaults: dict[str, object] = {
        "desired": len(members) if desired is None else desired,
        "places": (A, B),
        "types": ("g5.xlarge", "g6.xlarge"),
        "members": members,
    }
    return Group(**(defaults | changes))  # type: ignore[arg-type]


def launches(found: Group) -> list[Launch]:
    """Return the launches that are due."""
    return [step for step in decide(found, NOW) if isinstance(step, Launch)]


def retired(found: Group, now: float = NOW) -> list[str]:
    """Return who is retired."""
    return [step.member for step in decide(found, now) if isinstance(step, Retire)]


def wait(result: str | None = None, deadline: float = NOW + 60, default: str = "ABANDON") -> Wait:
    """Return a wait for the hook `up`."""
    return Wait(hook="up", started=NOW, deadline=deadline, default_result=default, result=result)


def test_settled_group_needs_nothing() -> None:
    """A group that has what it wants is left alone."""
    assert decide(group(member()), NOW) == ()


def test_launches_spread_over_zones() -> None:
    """Four new instances are spread evenly, zone by zone."""
    zones = [step.candidates[0].place.zone for step in launches(group(desired=4))]
    assert sorted(zones) == ["a", "a", "b", "b"]


def test_launch_fills_the_emptier_zone() -> None:
    """A third instance goes where there are fewer, whatever the order of the subnets."""
    (step,) = launches(group(member(), desired=2))
    assert step.candidates[0].place == B


def test_launch_may_fall_back_to_other_types_and_zones() -> None:
    """Every type in every zone is a candidate: preferred types first, within the emptiest zone first."""
    (step,) = launches(group(desired=1))
    assert step.candidates == (
        Candidate(place=A, instance_type="g5.xlarge", market="on-demand"),
        Candidate(place=A, instance_type="g6.xlarge", market="on-demand"),
        Candidate(place=B, instance_type="g5.xlarge", market="on-demand"),
        Candidate(place=B, instance_type="g6.xlarge", market="on-demand"),
    )


@pytest.mark.parametrize(
    ("base", "percentage", "total", "on_demand"),
    [
        (0, 100, 3, 3),
        (0, 0, 3, 0),
        (1, 0, 3, 1),
        (5, 0, 3, 3),
        (0, 50, 1, 1),
        (0, 50, 4, 2),
        (0, 1, 10, 1),
        (2, 25, 6, 3),
        (0, 50, 0, 0),
    ],
)
def test_on_demand_share(base: int, percentage: int, total: int, on_demand: int) -> None:
    """The base is on demand, of the rest the percentage, rounded up."""
    distribution = Distribution(on_demand_base=base, on_demand_percentage=percentage)
    assert distribution.on_demand_of(total) == on_demand


def test_launches_follow_the_distribution() -> None:
    """With a base of one, the first instance is on demand and the others are spot."""
    found = group(desired=3, distribution=Distribution(on_demand_base=1, on_demand_percentage=0))
    assert [step.candidates[0].market for step in launches(found)] == ["on-demand", "spot", "spot"]


def test_lost_spot_instance_is_replaced_by_spot() -> None:
    """The share is kept when an instance is replaced."""
    found = group(
        member(),
        member("i-2", market="spot", ec2_state="terminated"),
        distribution=Distribution(on_demand_base=1, on_demand_percentage=0),
    )
    assert [step.candidates[0].market for step in launches(found)] == ["spot"]


@pytest.mark.parametrize(
    "changes", [{"suspended": frozenset({"Launch"})}, {"may_launch": False}, {"places": ()}]
)
def test_launch_can_be_held_back(changes: dict[str, object]) -> None:
    """Nothing is launched while launching is suspended, after a failed launch, or without a subnet."""
    assert launches(group(desired=1, **changes)) == []


def test_scale_in_takes_from_the_crowded_zone() -> None:
    """The zone with most instances loses one, and of those the oldest."""
    found = group(
        member("i-young", launched=2.0),
        member("i-old", launched=1.0),
        member("i-other", zone="b", launched=0.0),
        desired=2,
    )
    assert retired(found) == ["i-old"]


def test_scale_in_prefers_the_older_release() -> None:
    """Between two in a zone, the one of the older template version goes, though it is younger."""
    found = group(
        member("i-new", template_version=2), member("i-old", template_version=1, launched=9.0), desired=1
    )
    assert retired(found) == ["i-old"]


def test_scale_in_keeps_the_on_demand_base() -> None:
    """With a base of one, the spot instance goes."""
    found = group(
        member("i-base"),
        member("i-spot", market="spot", launched=5.0),
        desired=1,
        distribution=Distribution(on_demand_base=1, on_demand_percentage=0),
    )
    assert retired(found) == ["i-spot"]


def test_protected_instance_survives_scale_in() -> None:
    """Protection holds against scale-in, even if the group stays too large."""
    assert retired(group(member(protected=True), desired=0)) == []


def test_protected_instance_is_replaced_when_ill() -> None:
    """Protection doesn't hold against failed health checks."""
    assert retired(group(member(protected=True, ec2_state="stopped"))) == ["i-1"]


def test_scale_in_can_be_suspended() -> None:
    """Nothing is terminated while terminating is suspended."""
    assert retired(group(member(), desired=0, suspended=frozenset({"Terminate"}))) == []


@pytest.mark.parametrize("state", ["shutting-down", "terminated", "stopping", "stopped"])
def test_dead_instance_is_replaced_at_once(state: str) -> None:
    """An instance that EC2 ended is retired, and its replacement starts in the same round."""
    found = group(member(ec2_state=state))
    assert retired(found) == ["i-1"]
    assert len(launches(found)) == 1


def test_instance_marked_unhealthy_is_replaced() -> None:
    """SetInstanceHealth makes the group replace the instance."""
    assert retired(group(member(marked_unhealthy=True))) == ["i-1"]


@pytest.mark.parametrize("process", ["HealthCheck", "ReplaceUnhealthy"])
def test_health_checks_can_be_suspended(process: str) -> None:
    """An ill instance stays while the process is suspended."""
    assert retired(group(member(marked_unhealthy=True), suspended=frozenset({process}))) == []


def test_balancer_health_counts_only_for_elb_groups() -> None:
    """An EC2 health check doesn't look at the balancer."""
    assert retired(group(member(balancer_unhealthy=True))) == []
    assert retired(group(member(balancer_unhealthy=True), elb_health=True)) == ["i-1"]


def test_grace_period_protects_a_young_instance() -> None:
    """What the balancer says counts after the grace period, which begins in service."""
    found = group(member(balancer_unhealthy=True, in_service_since=NOW), elb_health=True, grace=60)
    assert retired(found, NOW + 59) == []
    assert retired(found, NOW + 60) == ["i-1"]


def test_pending_instance_waits_for_ec2() -> None:
    """A pending instance stays so until it runs."""
    assert decide(group(member(lifecycle=Lifecycle.PENDING, ec2_state="pending")), NOW) == ()


def test_running_instance_waits_for_its_launch_hooks() -> None:
    """With a hook for launching it waits, with the hook's own timeout; other hooks don't matter."""
    found = group(member(lifecycle=Lifecycle.PENDING), hooks=(UP, DOWN))
    (step,) = decide(found, NOW)
    assert isinstance(step, Move)
    assert step.to is Lifecycle.PENDING_WAIT
    assert [(w.hook, w.deadline) for w in step.waits] == [("up", NOW + 60)]


def test_running_instance_without_hooks_proceeds() -> None:
    """Without hooks nothing is waited for."""
    assert decide(group(member(lifecycle=Lifecycle.PENDING)), NOW) == (
        Move(member="i-1", to=Lifecycle.PENDING_PROCEED),
    )


def test_waiting_instance_waits() -> None:
    """An open action holds the instance back."""
    assert decide(group(member(lifecycle=Lifecycle.PENDING_WAIT, waits=(wait(),))), NOW) == ()


def test_completed_instance_proceeds_into_service() -> None:
    """CONTINUE lets it proceed, and a step later it is in service."""
    found = group(member(lifecycle=Lifecycle.PENDING_WAIT, waits=(wait("CONTINUE"),)))
    assert decide(found, NOW) == (Move(member="i-1", to=Lifecycle.PENDING_PROCEED),)
    found = group(member(lifecycle=Lifecycle.PENDING_PROCEED))
    assert decide(found, NOW) == (Move(member="i-1", to=Lifecycle.IN_SERVICE),)


def test_all_hooks_must_be_completed() -> None:
    """One of two completed hooks is not enough."""
    found = group(member(lifecycle=Lifecycle.PENDING_WAIT, waits=(wait("CONTINUE"), wait())))
    assert decide(found, NOW) == ()


@pytest.mark.parametrize("abandoned", [wait("ABANDON"), wait(deadline=NOW)])
def test_abandoned_launch_is_replaced(abandoned: Wait) -> None:
    """ABANDON, said or by timeout, terminates the instance and launches another."""
    found = group(member(lifecycle=Lifecycle.PENDING_WAIT, waits=(abandoned,)))
    assert retired(found) == ["i-1"]
    assert len(launches(found)) == 1


def test_default_result_continue_lets_a_silent_launch_through() -> None:
    """After the timeout, the hook's default CONTINUE counts."""
    found = group(member(lifecycle=Lifecycle.PENDING_WAIT, waits=(wait(deadline=NOW, default="CONTINUE"),)))
    assert decide(found, NOW) == (Move(member="i-1", to=Lifecycle.PENDING_PROCEED),)


def test_instance_that_dies_while_launching_is_replaced() -> None:
    """Death before service is a failed launch."""
    found = group(member(lifecycle=Lifecycle.PENDING_WAIT, ec2_state="terminated", waits=(wait(),)))
    assert [step.failed for step in decide(found, NOW) if isinstance(step, Retire)] == [True]


def test_draining_comes_before_the_terminate_hook() -> None:
    """A terminating instance waits for the balancer first, for its hook afterwards."""
    draining = member(lifecycle=Lifecycle.TERMINATING, draining=True)
    assert decide(group(draining, desired=0, hooks=(DOWN,)), NOW) == ()
    drained = member(lifecycle=Lifecycle.TERMINATING)
    (step,) = decide(group(drained, desired=0, hooks=(DOWN,)), NOW)
    assert isinstance(step, Move)
    assert step.to is Lifecycle.TERMINATING_WAIT


@pytest.mark.parametrize("result", ["CONTINUE", "ABANDON"])
def test_terminate_hook_ends_either_way(result: str) -> None:
    """Both results of a terminate hook end the instance."""
    found = group(member(lifecycle=Lifecycle.TERMINATING_WAIT, waits=(wait(result),)), desired=0)
    assert decide(found, NOW) == (Move(member="i-1", to=Lifecycle.TERMINATING_PROCEED),)
    found = group(member(lifecycle=Lifecycle.TERMINATING_PROCEED), desired=0)
    assert decide(found, NOW) == (End(member="i-1"),)


def test_dead_instance_is_not_waited_for() -> None:
    """Nobody completes a dead instance's hook: it ends at once."""
    found = group(member(lifecycle=Lifecycle.TERMINATING, ec2_state="terminated"), desired=0, hooks=(DOWN,))
    assert decide(found, NOW) == (End(member="i-1"),)


def test_leaving_instance_is_no_capacity() -> None:
    """An instance that terminates is replaced without waiting for its end."""
    assert len(launches(group(member(lifecycle=Lifecycle.TERMINATING_WAIT, waits=(wait(),)), desired=1))) == 1


def test_force_deleted_group_drops_everything() -> None:
    """Force delete retires protected instances too, launches nothing and waits for no hook."""
    found = group(
        member(protected=True),
        member("i-2", lifecycle=Lifecycle.TERMINATING_WAIT, waits=(wait(),)),
        desired=0,
        deleting=True,
    )
    steps = decide(found, NOW)
    assert [type(step) for step in steps] == [Retire, End]


def test_heartbeat_starts_the_timeout_anew() -> None:
    """A heartbeat moves the deadline to a full timeout from now."""
    assert wait().prolonged(NOW + 50, 60).deadline == NOW + 110


def test_heartbeats_do_not_prolong_for_ever() -> None:
    """A hundred heartbeat timeouts after its begin, an action times out."""
    assert wait().prolonged(NOW + 5_990, 60).deadline == NOW + 6_000


def test_a_threatened_instance_is_replaced_before_it_goes() -> None:
    """With capacity rebalancing its replacement comes at the notice; the old one stays until that serves."""
    taken = member("i-1", threatened=True)
    found = group(taken, member("i-2", zone="b"), desired=2, rebalance=True)
    assert (len(launches(found)), retired(found)) == (1, [])
    coming = member("i-3", lifecycle=Lifecycle.PENDING_WAIT, waits=(wait(),))
    found = group(taken, member("i-2", zone="b"), coming, desired=2, rebalance=True)
    assert (launches(found), retired(found)) == ([], [])
    found = group(taken, member("i-2", zone="b"), member("i-3"), desired=2, rebalance=True)
    assert (launches(found), retired(found)) == ([], ["i-1"])


def test_without_rebalancing_a_threatened_instance_just_serves() -> None:
    """Nothing happens before it is gone."""
    found = group(member("i-1", threatened=True), desired=1)
    assert (launches(found), retired(found)) == ([], [])
