"""What the runtime table tells `deploy` and `status` of rollouts."""

import time

from infra.aws.runtime_table import RuntimeTable
from infra.aws.session import Session
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Slot
from infra.rollout.types import Phase, Status
from tests.functional.rollout.journals import FIRST, Place, a_plan


def test_rollouts_are_told_with_their_living_drivers(session: Session, environment: Environment) -> None:
    """Whose lease has run out drives no more, whatever the table says."""
    runtime, place = RuntimeTable(session, environment.environment), Place(session, environment.environment)
    assert dict(runtime.rollouts()) == {}
    place.now = time.time()
    journal = place.journal()
    journal.begin(a_plan(), FIRST)
    found = runtime.rollouts()["chat"]
    assert (found.plan, found.status, found.driver) == (a_plan(), FIRST, "")
    journal.acquire("ann@laptop 7", 60)
    assert runtime.rollouts()["chat"].driver == "ann@laptop 7"
    place.now -= 3600
    journal.acquire("ann@laptop 7", 60)
    assert runtime.rollouts()["chat"].driver == ""


def test_a_forgotten_model_leaves_nothing_behind(session: Session, environment: Environment) -> None:
    """A later model of its name finds neither a rollout nor a release that was taken back; others stay."""
    name = environment.environment
    runtime, journal = RuntimeTable(session, name), Place(session, name, now=time.time()).journal()
    for model in ("chat", "french"):
        runtime.make_live(model, Slot.BLUE, 1)
    for number in (1, 2):
        journal.begin(a_plan(number), FIRST)
        lease = journal.acquire("ann@laptop 7", 60)
        journal.enter(lease, Status(phase=Phase.ROLLED_BACK, since=time.time()))
        journal.let_go(lease)
    assert len(journal.history()) == 2
    runtime.forget("chat")
    assert (journal.read(), journal.history(), journal.entries()) == (None, (), ())
    assert set(runtime.live()) == {"french"}
    table = session.dynamodb.scan(TableName=names.runtime_table(name))["Items"]
    left = [item for item in table if "chat" in item["pk"]["S"] or item["sk"]["S"] == "chat"]
    assert left == []
