"""The store of target health."""

from infra.embedded.aws.health import REGISTERING, Health, HealthStore, TargetState

ARN = "arn:group"
HEALTHY = Health(state=TargetState.HEALTHY)


def test_target_starts_as_initial() -> None:
    """Nothing is healthy before somebody has checked it."""
    assert HealthStore().health(ARN, "i-1", 80) == REGISTERING


def test_report_is_kept() -> None:
    """The last report is the health."""
    store = HealthStore()
    store.report(ARN, "i-1", 80, HEALTHY)
    assert store.health(ARN, "i-1", 80) == HEALTHY


def test_registering_again_starts_anew() -> None:
    """A target that comes back must pass its checks again."""
    store = HealthStore()
    store.report(ARN, "i-1", 80, HEALTHY)
    store.deregistered(ARN, "i-1", 80)
    store.registered(ARN, "i-1", 80)
    assert store.health(ARN, "i-1", 80) == REGISTERING
    assert store.draining(ARN) == ()


def test_late_report_does_not_end_draining() -> None:
    """A check that was under way while the target was deregistered changes nothing."""
    store = HealthStore()
    store.deregistered(ARN, "i-1", 80)
    store.report(ARN, "i-1", 80, HEALTHY)
    assert store.is_draining("i-1", [ARN])


def test_draining_ends_when_drained() -> None:
    """The balancer may be done before the delay is over."""
    store = HealthStore()
    store.deregistered(ARN, "i-1", 80)
    store.drained(ARN, "i-1", 80)
    assert not store.is_draining("i-1", [ARN])


def test_draining_ends_after_the_delay() -> None:
    """The delay counts from the first look at the clock after the deregistration."""
    store = HealthStore()
    store.deregistered(ARN, "i-1", 80)
    store.expire(1_000.0, {ARN: 30})
    store.expire(1_029.0, {ARN: 30})
    assert store.is_draining("i-1", [ARN])
    store.expire(1_030.0, {ARN: 30})
    assert not store.is_draining("i-1", [ARN])


def test_nothing_drains_in_a_deleted_group() -> None:
    """A group that is gone keeps no instance from ending."""
    store = HealthStore()
    store.deregistered(ARN, "i-1", 80)
    store.expire(1_000.0, {})
    assert not store.is_draining("i-1", [ARN])


def test_forgotten_group_has_no_reports() -> None:
    """Health doesn't outlive its group."""
    store = HealthStore()
    store.report(ARN, "i-1", 80, HEALTHY)
    store.deregistered(ARN, "i-2", 80)
    store.forget(ARN)
    assert store.health(ARN, "i-1", 80) == REGISTERING
    assert store.draining(ARN) == ()
