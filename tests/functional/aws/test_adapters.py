"""The AWS adapters against the emulated control plane."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from infra.aws.api_key import SecretApiKey
from infra.aws.balancer import AwsBalancer
from infra.aws.fleet import AwsFleet
from infra.aws.inventory import inventory
from infra.aws.log_reader import LogReader
from infra.aws.probes.scope import Scope
from infra.aws.runtime_table import RuntimeTable
from infra.aws.session import Session
from infra.deploy.logs import Choice
from infra.deploy.motion import steps
from infra.deploy.observe import interpret, read
from infra.deploy.types import Health, Phase, Schedule
from infra.embedded.aws import autoscaling, elbv2, views
from infra.environment.model import Environment
from infra.environment.names import target_group
from infra.environment.slots import Slot
from infra.errors import ExitCode, LlmctlError, Refused
from tests.fakes.environments import two_models
from tests.fakes.stack import bring_up


def test_nothing_is_there_before_the_first_deploy(session: Session) -> None:
    """All adapters answer "nothing" for an account that llmctl never touched."""
    environment = two_models("absent")
    facts = read(
        AwsFleet(session, environment),
        AwsBalancer(session, environment),
        RuntimeTable(session, environment.environment),
    )
    assert (facts.address, facts.groups, dict(facts.latest_releases), dict(facts.live)) == (None, (), {}, {})
    assert inventory(session, Scope.of(environment)) == ()


def test_first_deploy_brings_all_replicas_up(session: Session, environment: Environment) -> None:
    """Sizes, releases, weights, health and instances are read as they are."""
    bring_up(session, environment)
    runtime = RuntimeTable(session, environment.environment)
    facts = read(AwsFleet(session, environment), AwsBalancer(session, environment), runtime)
    state = interpret(environment, facts)
    assert state.ready
    for model in state.models:
        blue, green = model.slots
        assert (model.live, model.release, blue.weight, green.weight) == (Slot.BLUE, 1, 100, 0)
        assert (blue.healthy, blue.wanted, green.wanted) == (4, 4, 0)
        assert {replica.phase for replica in blue.replicas} == {Phase.HEALTHY}
        assert {replica.release for replica in blue.replicas} == {1}
        assert all(replica.launched and replica.zone and replica.type for replica in blue.replicas)
    assert steps(environment, facts, datetime.now(UTC)) == ()


def test_pin_keeps_the_rest_of_the_policy(session: Session, environment: Environment) -> None:
    """Pinning a release changes the template version, and neither instance types nor the spot share."""
    fleet = AwsFleet(session, environment)
    name = fleet.groups()[0].name

    def policy() -> dict[str, object]:
        answer = session.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return dict(answer["AutoScalingGroups"][0]["MixedInstancesPolicy"])

    before = policy()
    fleet.pin(name, 1)
    assert policy() == before


def test_releases_are_the_versions_that_exist(session: Session, environment: Environment) -> None:
    """A rollback is refused for a release that isn't there; the newest is among those that are."""
    fleet = AwsFleet(session, environment)
    assert fleet.releases("chat")[-1] == fleet.latest_releases()["chat"]
    assert 99 not in fleet.releases("chat")


def test_schedules_are_read_as_they_were_put(session: Session, environment: Environment) -> None:
    """A schedule survives the way to AWS and back, so that a second deploy finds nothing to do."""
    fleet = AwsFleet(session, environment)
    name = fleet.groups()[0].name
    office = Schedule(name="minimum-1", cron="0 8 * * MON-FRI", timezone="Europe/Berlin", minimum=2)
    night = Schedule(name="minimum-2", cron="0 20 * * *", timezone="UTC", minimum=1, desired=1)
    for schedule in (office, night):
        fleet.put_schedule(name, schedule)
    found = {group.name: group.schedules for group in fleet.groups() if group.schedules}
    assert {key: set(value) for key, value in found.items()} == {name: {office, night}}
    later = replace(office, cron="0 9 * * MON-FRI")
    fleet.put_schedule(name, later)
    fleet.drop_schedule(name, night.name)
    assert fleet.groups()[0].schedules == (later,)


def test_two_deploys_cannot_both_make_a_release_live(session: Session, environment: Environment) -> None:
    """The second writer is told that there is a conflict."""
    runtime = RuntimeTable(session, environment.environment)
    runtime.make_live("chat", Slot.BLUE, 1)
    with pytest.raises(LlmctlError) as caught:
        runtime.make_live("chat", Slot.GREEN, 2)
    assert caught.value.code is ExitCode.CONFLICT
    assert runtime.live()["chat"].release == 1


def test_health_knows_all_states_of_a_target(session: Session, environment: Environment) -> None:
    """A target that fails its checks is unhealthy to us as well."""
    bring_up(session, environment)
    name = target_group(environment.environment, "chat", Slot.BLUE)
    groups = [group for one in views.load_balancers() for group in one.target_groups]
    group = next(group for group in groups if group.name == name)
    target = group.targets[0]
    elbv2.set_target_health(
        group.arn, target.id, target.port, views.TargetState.UNHEALTHY, "Target.Timeout", ""
    )
    assert AwsBalancer(session, environment).health({("chat", Slot.BLUE)})[target.id] is Health.UNHEALTHY


def test_api_key_is_made_once(session: Session, environment: Environment) -> None:
    """The key is random, and stays what it is."""
    key = SecretApiKey(session, environment.environment)
    with pytest.raises(Refused, match="no API key yet"):
        key.read()
    assert key.ensure()
    first = key.read()
    assert not key.ensure()
    assert key.read() == first
    assert len(first) > 40


def test_logs_of_a_replica(session: Session, environment: Environment) -> None:
    """Lines carry model, replica and source, and can be chosen by each and by text; metrics are no log."""
    group = f"/llmctl/{environment.environment}/chat"
    now = datetime.now(UTC)
    for stream in ("i-1/engine", "i-1/agent", "i-2/agent", "i-2/metrics"):
        session.logs.create_log_stream(logGroupName=group, logStreamName=stream)
        session.logs.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[{"timestamp": int(now.timestamp() * 1000), "message": f'"from" {stream}'}],
        )
    reader = LogReader(session, environment.environment)

    def found(**choice: str) -> set[tuple[str, str]]:
        lines = reader.lines("chat", since=now - timedelta(minutes=1), choice=Choice(**choice))
        return {(line.replica, line.source) for line in lines}

    assert found() == {("i-1", "engine"), ("i-1", "agent"), ("i-2", "agent")}
    assert found(replica="i-1") == {("i-1", "engine"), ("i-1", "agent")}
    assert found(source="agent") == {("i-1", "agent"), ("i-2", "agent")}
    assert found(replica="i-1", source="engine") == {("i-1", "engine")}
    assert found(text="from i-2") == set()
    assert found(text="i-1/agent") == {("i-1", "agent")}
    assert found(replica="i-3") == set()


def test_inventory_finds_every_kind(session: Session, environment: Environment) -> None:
    """What exists is found service by service, and nothing of another environment."""
    bring_up(session, environment)
    kinds = {leftover.kind for leftover in inventory(session, Scope.of(environment))}
    assert kinds >= {
        "autoscaling group",
        "dynamodb table",
        "ec2 instance",
        "ec2 launch template",
        "load balancer",
        "log group",
        "secret",
        "target group",
    }
    assert inventory(session, Scope.of(two_models("another"))) == ()


def test_failed_launches_say_why(session: Session, environment: Environment) -> None:
    """A group that gets no capacity tells what AWS said, so that nobody waits without knowing."""
    autoscaling.set_capacity(lambda _zone, _type, market: market != "spot")
    bring_up(session, environment)
    autoscaling.set_capacity(None)
    fleet, balancer = AwsFleet(session, environment), AwsBalancer(session, environment)
    facts = read(fleet, balancer, RuntimeTable(session, environment.environment))
    blue = interpret(environment, facts).models[0].slots[0]
    assert (len(blue.replicas), blue.wanted) == (1, 4)
    (problem,) = blue.problems
    assert problem.startswith("spot: ")
    assert "capacity" in problem.lower()
