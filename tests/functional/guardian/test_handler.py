"""The guardian's function over an emulated AWS: what it sees, remembers and sets."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.aws.session import Session
from infra.embedded.aws import autoscaling, ec2, views
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.guardian.config import PARTITION
from infra.guardian.handler import run
from infra.guardian.planning import guarded_model
from infra.rollout.types import Phase
from tests.fakes.stack import bring_up
from tests.functional.rollout.conftest import environment, session

__all__ = ["environment", "session"]
LONG_AFTER = 50_000.0


class Guarded:
    """`chat` of an environment: one replica on demand, two and an extra one on spot."""

    def __init__(self, session: Session, environment: Environment) -> None:
        self.session = session
        self.environment = environment.environment
        self.now = LONG_AFTER
        bring_up(session, environment)
        told = guarded_model("chat", environment.models["chat"])
        assert told
        self.put({"pk": {"S": PARTITION}, "sk": {"S": "chat"}, "config": {"S": told.to_json()}})

    def time(self) -> float:
        """It is the function's clock as well."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time passes, the groups act."""
        self.reconcile(seconds)

    def put(self, item: Any) -> None:
        """Write to the runtime table."""
        table = names.runtime_table(self.environment)
        self.session.dynamodb.put_item(TableName=table, Item=item)

    def group(self, market: Market) -> Any:
        """The live slot's group."""
        name = names.group(self.environment, "chat", Slot.BLUE, market)
        found = self.session.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        (group,) = found["AutoScalingGroups"]
        return group

    def instances(self, market: Market) -> list[str]:
        """Of a group."""
        return [each["InstanceId"] for each in self.group(market)["Instances"]]

    def reconcile(self, seconds: float) -> None:
        """Let time pass; whoever gets capacity comes up."""
        self.now += seconds
        for _ in range(4):
            autoscaling.reconcile(self.now)
            for each in views.instances():
                if each.state == "pending":
                    ec2.mark_running(each.id)

    def look(self, event: dict[str, Any] | None = None) -> int:
        """Invoke the function; how many on-demand replicas there shall be."""
        run(event or {}, self.session, self.environment, self)
        return int(self.group(Market.ON_DEMAND)["DesiredCapacity"])

    def notice(self, instance: str) -> dict[str, Any]:
        """EC2's event."""
        return {
            "source": "aws.ec2",
            "detail-type": "EC2 Spot Instance Interruption Warning",
            "time": datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "detail": {"instance-id": instance, "instance-action": "terminate"},
        }

    def events(self) -> list[tuple[str, str]]:
        """What the guardian wrote to the audit log."""
        found = self.session.dynamodb.query(
            TableName=names.runtime_table(self.environment),
            KeyConditionExpression="pk = :event",
            ExpressionAttributeValues={":event": {"S": "event"}},
        )["Items"]
        return [
            (each["action"]["S"], each["result"]["S"]) for each in found if each["actor"]["S"] == "guardian"
        ]


@pytest.fixture
def guarded(session: Session, environment: Environment) -> Iterator[Guarded]:
    """All replicas are up."""
    yield Guarded(session, environment)
    autoscaling.set_capacity(None)


def test_nothing_is_done_while_nothing_is_missing(guarded: Guarded) -> None:
    """The base stays what it is, and the log stays empty."""
    assert guarded.look() == 1
    assert guarded.events() == []


def test_a_market_that_dries_up_is_replaced_and_taken_back(guarded: Guarded) -> None:
    """On demand for what is wanted, at once; back at the base once spot has been there for the hold."""
    autoscaling.set_capacity(lambda _zone, _type, market: market != "spot")
    for instance in guarded.instances(Market.SPOT):
        ec2.mark_terminated(instance, "Server.SpotInstanceTermination")
    guarded.reconcile(60)
    assert guarded.look() == 3
    assert guarded.look() == 3
    autoscaling.set_capacity(None)
    guarded.reconcile(60)
    assert len(guarded.instances(Market.SPOT)) == 3
    assert guarded.look() == 3
    guarded.reconcile(9000)
    assert guarded.look() == 1
    (added, why), (given_back, _) = guarded.events()
    assert (added, given_back) == ("on demand added", "on demand given back")
    assert "1 to 3: 0 of 2 spot replicas ready" in why


def test_a_notice_is_remembered(guarded: Guarded) -> None:
    """The replica serves on, and counts for nothing; the next look, without the event, knows it as well."""
    first, second, _ = guarded.instances(Market.SPOT)
    assert guarded.look(guarded.notice(first)) == 1, "the extra one stands in"
    assert guarded.look(guarded.notice(second)) == 3
    assert guarded.look() == 3


def test_other_peoples_instances_are_none_of_its_business(guarded: Guarded) -> None:
    """EC2's events come for the whole account."""
    assert guarded.look(guarded.notice("i-0123456789abcdef0")) == 1
    (on_demand,) = guarded.instances(Market.ON_DEMAND)
    assert guarded.look(guarded.notice(on_demand)) == 1


def test_a_rollout_keeps_what_it_has(guarded: Guarded) -> None:
    """While one goes on nothing is taken away, once it has ended it is."""
    group = names.group(guarded.environment, "chat", Slot.BLUE, Market.ON_DEMAND)
    guarded.session.autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=3)
    record = {"pk": {"S": "rollout"}, "sk": {"S": "chat"}, "phase": {"S": Phase.BAKING.value}}
    guarded.put(record)
    assert guarded.look() == 3
    guarded.put({**record, "phase": {"S": Phase.DONE.value}})
    assert guarded.look() == 1


def test_what_is_being_deleted_is_left_alone(guarded: Guarded) -> None:
    """During a destroy the groups go one by one."""
    for market in Market:
        name = names.group(guarded.environment, "chat", Slot.BLUE, market)
        guarded.session.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
        run({}, guarded.session, guarded.environment, guarded)
    assert guarded.events() == []


def test_a_broken_model_is_told(guarded: Guarded) -> None:
    """The function fails in the end, so that its errors are counted; the others had their look."""
    guarded.put({"pk": {"S": "model"}, "sk": {"S": "chat"}, "slot": {"S": "purple"}})
    with pytest.raises(Exception, match="failed to look after chat"):
        guarded.look()
    assert guarded.events() == []
