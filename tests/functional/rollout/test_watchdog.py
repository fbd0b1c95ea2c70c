"""The watchdog against the emulated API: within its role's rights, and as a function from its zip."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from infra.aws.rollout_fleet import GroupFleet
from infra.aws.rollout_journal import TableJournal
from infra.aws.rollout_records import TableRecords
from infra.aws.rollout_schedules import GroupSchedules
from infra.aws.rollout_traffic import RuleTraffic
from infra.aws.session import Session
from infra.embedded import aws
from infra.embedded.addresses import Addresses
from infra.embedded.aws import autoscaling, ec2, views
from infra.embedded.aws.server import Server
from infra.embedded.functions.service import FunctionService
from infra.embedded.loop import LoopThread
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.rollout.types import Asked, Cause, GateSpec, Phase, Plan, Request, Size, Status, Step
from infra.watchdog.bundle import HANDLER, watchdog_bundle
from infra.watchdog.config import VARIABLE
from infra.watchdog.handler import watchdog
from tests.fakes.environments import two_models
from tests.fakes.stack import bring_up, build
from tests.synth.synthesis import Stack
from tests.synth.synthesis import environment as described
from tests.synth.test_watchdog import statements

MODEL = "chat"
SECONDS_AGO = 1000.0
PLAN = Plan(
    id="20261122T213000Z-1a2b",
    model=MODEL,
    old_slot=Slot.BLUE,
    old_release=1,
    new_slot=Slot.GREEN,
    new_release=2,
    strategy="canary",
    steps=(Step(weight=25, bake=3600.0), Step(weight=100, bake=3600.0)),
    gates=(GateSpec(gate="error_rate", limit=None, worse_by=0.5, min_samples=50),),
    baseline={Market.SPOT: Size(minimum=3, desired=3), Market.ON_DEMAND: Size(minimum=1, desired=1)},
    surge=None,
    capacity_timeout=1200.0,
    propagation=0.0,
    patience=1800.0,
    inconclusive="pause",
    keep_previous=1800.0,
    watchdog=900.0,
    judge_every=60.0,
    started_by="ann@laptop",
)


def leave_a_canary(session: Session, environment: str) -> None:
    """What a laptop leaves that was closed at 25 %, a while ago."""
    traffic, fleet = RuleTraffic(session, environment, MODEL), GroupFleet(session, environment, MODEL)
    fleet.resize(names.group(environment, MODEL, Slot.GREEN, Market.SPOT), minimum=1, desired=1)
    traffic.set_weights({Slot.BLUE: 75, Slot.GREEN: 25})
    began = time.time() - SECONDS_AGO
    status = Status(phase=Phase.BAKING, since=began, weight=25, shifted_at=began)
    TableJournal(session, environment, MODEL).begin(PLAN, status)


def leave_an_abort(session: Session, environment: Environment) -> None:
    """What somebody leaves who wanted to go back from a release that is live, and was cut off."""
    name, began = environment.environment, time.time() - SECONDS_AGO
    group = names.group(name, MODEL, Slot.GREEN, Market.SPOT)
    GroupFleet(session, name, MODEL).resize(group, minimum=1, desired=1)
    RuleTraffic(session, name, MODEL).set_weights({Slot.BLUE: 0, Slot.GREEN: 100})
    TableRecords(session, name, MODEL).make_live(Slot.GREEN, 2)
    session.autoscaling.put_scheduled_update_group_action(
        AutoScalingGroupName=group, ScheduledActionName="minimum-1", Recurrence="0 8 * * *", MinSize=3
    )
    journal = TableJournal(session, name, MODEL)
    journal.begin(PLAN, Status(phase=Phase.KEEPING, since=began, step=1, weight=100, shifted_at=began))
    journal.ask(Request(id="r1", asked=Asked.ABORT, by="ann@laptop", at=began))


def assert_is_back(session: Session, environment: str) -> None:
    """The old release serves alone, the story tells who did it, and nobody holds the lease."""
    record = TableJournal(session, environment, MODEL).read()
    assert record is not None
    assert record.status.phase is Phase.ROLLED_BACK
    assert (record.lease, record.intent) == (None, "")
    weights = RuleTraffic(session, environment, MODEL).weights()
    assert weights == {Slot.BLUE: 100, Slot.GREEN: 0}
    fleet = GroupFleet(session, environment, MODEL)
    assert {group.slot: group.desired for group in fleet.groups() if group.market is Market.SPOT} == {
        Slot.BLUE: 3,
        Slot.GREEN: 0,
    }
    assert {replica.slot for replica in fleet.replicas()} == {Slot.BLUE}


@contextmanager
def living() -> Iterator[None]:
    """Groups launch and terminate meanwhile."""
    over = threading.Event()

    def live() -> None:
        moment = 1000.0
        while not over.wait(0.1):
            moment += 60.0  # draining takes minutes
            autoscaling.reconcile(moment)
            for instance in views.instances():
                if instance.state == "pending":
                    ec2.mark_running(instance.id)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def look_with_its_rights_alone(session: Session, name: str, folder: Path) -> None:
    """Let the watchdog look once; all its calls are among those that its role allows."""
    own = Session(session.region, {**_KEYS, "AWS_ENDPOINT_URL": session.endpoint or ""})
    calls = _Calls(own.bounded)
    with living():
        watchdog(own, name).look(120.0)
    assert_has_rights(calls, folder)


def test_it_takes_a_silent_rollout_back_with_its_rights_alone(
    session: Session, environment: Environment, tmp_path: Path
) -> None:
    """Every call on the way back is one that the function's role allows, on partitions that it may touch."""
    name = environment.environment
    bring_up(session, environment)
    leave_a_canary(session, name)
    look_with_its_rights_alone(session, name, tmp_path)
    assert_is_back(session, name)
    assert cause(session, name) is Cause.WATCHDOG


def test_it_carries_an_abort_out_with_its_rights_alone(
    session: Session, environment: Environment, tmp_path: Path
) -> None:
    """The release that was live has schedules: they go back with the traffic, by calls that it may make."""
    name = environment.environment
    bring_up(session, environment)
    leave_an_abort(session, environment)
    look_with_its_rights_alone(session, name, tmp_path)
    assert_is_back(session, name)
    assert cause(session, name) is Cause.USER
    assert GroupSchedules(session, name, MODEL).slots() == {Slot.BLUE}
    assert TableRecords(session, name, MODEL).live() is Slot.BLUE


def cause(session: Session, environment: str) -> Cause | None:
    """Why the rollout went back."""
    record = TableJournal(session, environment, MODEL).read()
    return record.status.cause if record else None


def assert_has_rights(calls: "_Calls", folder: Path) -> None:
    """Each call is one that the function's role allows."""
    allowed = statements(Stack(described(), folder))
    actions = {action for each in allowed.values() for action in each["Action"]}
    assert calls.actions <= actions
    patterns = allowed["Journal"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert calls.partitions
    assert all(any(fnmatch(each, pattern) for pattern in patterns) for each in calls.partitions)


def test_a_rollout_that_is_driven_is_left_alone(session: Session, environment: Environment) -> None:
    """Somebody holds the lease: nothing is written, nothing is changed."""
    name = environment.environment
    bring_up(session, environment)
    leave_a_canary(session, name)
    journal = TableJournal(session, name, MODEL)
    journal.acquire("ann@laptop 7", 60.0)
    before = journal.read()
    watchdog(session, name).look(120.0)
    assert journal.read() == before
    assert RuleTraffic(session, name, MODEL).weights() == {Slot.BLUE: 75, Slot.GREEN: 25}


_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


class _Calls:
    """What clients ask of AWS, as IAM names it."""

    def __init__(self, session: Session) -> None:
        self.actions: set[str] = set()
        self.partitions: set[str] = set()
        for client in (session.autoscaling, session.dynamodb, session.elbv2):
            client.meta.events.register("provide-client-params", self._note)

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.signing_name
        if model.name != "TransactWriteItems":
            self.actions.add(f"{service}:{model.name}")
            self._partition(params)
            return
        for write in params["TransactItems"]:
            ((kind, content),) = write.items()
            self.actions.add(f"dynamodb:{kind}Item")
            self._partition(content)

    def _partition(self, params: dict[str, Any]) -> None:
        for key in ("Key", "Item"):
            if "pk" in params.get(key, {}):
                self.partitions.add(params[key]["pk"]["S"])
        values = params.get("ExpressionAttributeValues", {})
        if "KeyConditionExpression" in params:
            self.partitions.add(next(values[name]["S"] for name in (":pk", ":rollout") if name in values))


class FunctionCloud:
    """An API whose functions run, with an environment as Terraform leaves it."""

    def __init__(self, folder: Path) -> None:
        aws.install()
        aws.reset()
        self._addresses = Addresses.claim(f"watchdog-{os.getpid()}")
        address = self._addresses.allocate("cloud")
        self._server = Server(address)
        self._loop = LoopThread("watchdog-test")
        self.service = FunctionService(folder, self._loop, address, self._server.url)
        self.session = Session("us-east-1", {**_KEYS, "AWS_ENDPOINT_URL": self._server.url})
        self.environment = two_models("watched")
        build(self.session, self.environment)
        bring_up(self.session, self.environment)

    def stop(self) -> None:
        """End it."""
        self.service.stop()
        self._loop.stop()
        self._server.stop()
        self._addresses.release()
        aws.reset()


@pytest.fixture
def function_cloud(tmp_path: Path) -> Iterator[FunctionCloud]:
    """A cloud with the watchdog in it, as Terraform would put it there."""
    cloud = FunctionCloud(tmp_path / "functions")
    name = cloud.environment.environment
    role = cloud.session.iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    cloud.session.client("lambda").create_function(
        FunctionName=names.watchdog(name),
        Runtime="python3.12",
        Role=role,
        Handler=HANDLER,
        Timeout=120,
        Code={"ZipFile": watchdog_bundle(tmp_path / "cache").read_bytes()},
        Environment={"Variables": {VARIABLE: name}},
    )
    cloud.service.reconcile(time.time())
    try:
        yield cloud
    finally:
        cloud.stop()


def test_the_function_does_it_from_its_zip(function_cloud: FunctionCloud) -> None:
    """Invoked in the cloud, with nothing but its zip and its variable, the watchdog ends the rollout."""
    session, name = function_cloud.session, function_cloud.environment.environment
    leave_a_canary(session, name)
    with living():
        answer = session.client("lambda").invoke(FunctionName=names.watchdog(name), Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert_is_back(session, name)
