"""A whole environment: its inventory is blind to nothing, its end comes, and it leaves nothing."""

import json
from datetime import timedelta
from typing import Any

import pytest

from cli.destroying import rehearse
from cli.reaping import exit_code, reap
from cli.render.inventory import leftover_document
from infra.aws.lifetimes import Lifetimes
from infra.aws.states import states
from infra.errors import ExitCode
from infra.teardown.orphans import orphans
from infra.teardown.reaping import Outcome
from tests.functional.teardown.rig import NAME, Rig, empty_account
from tests.synth.test_inventory import FOUND_AS

pytestmark = [pytest.mark.terraform, pytest.mark.slow]
_ALL = 10_000


@pytest.fixture(scope="module")
def whole(shared_rig: Rig) -> Rig:
    """An environment that was applied to its end."""
    empty_account(shared_rig)
    crashed, made = shared_rig.crash(_ALL)
    assert not crashed
    assert made > 100
    return shared_rig


def _state(rig: Rig) -> list[dict[str, Any]]:
    bucket = rig.workspace().state_bucket.name
    body = (
        rig.workspace().session.s3.get_object(Bucket=bucket, Key=f"{NAME}/terraform.tfstate")["Body"].read()
    )
    return [each for each in json.loads(body)["resources"] if each["mode"] == "managed"]


def test_the_inventory_sees_all_that_the_state_lists(whole: Rig) -> None:
    """Kind by kind as many as Terraform made, so that an empty inventory means that nothing is there."""
    made = [FOUND_AS[each["type"]] for each in _state(whole) if each["type"] in FOUND_AS]
    seen = [each.kind for each in whole.exists()]
    assert {kind: seen.count(kind) for kind in made} == {kind: made.count(kind) for kind in made}


def test_most_tell_their_age(whole: Rig) -> None:
    """What costs money by the hour tells since when, where its service does."""
    young = {each.kind for each in whole.exists() if each.created}
    assert young >= {"autoscaling group", "ec2 nat gateway", "load balancer", "s3 bucket", "dynamodb table"}


def test_a_rehearsal_tells_every_step_and_changes_nothing(whole: Rig) -> None:
    """The network goes last, after what is in it; nothing is a stranger to a state that was written."""
    before = whole.exists()
    told = rehearse(whole.workspace(), force_unlock=None)
    assert told.strangers == ()
    assert sum(map(len, told.waves)) == len(_state(whole))
    at = {address: number for number, wave in enumerate(told.waves) for address in wave}
    assert at["aws_lb_listener.balancer_listener"] < at["aws_lb.balancer_alb"] < at["aws_vpc.network_vpc"]
    assert whole.exists() == before


def test_what_has_a_state_is_no_orphan(whole: Rig) -> None:
    """An environment at work is never listed among what crashed."""
    assert orphans(whole.exists(), states(whole.account().session)) == ()


def test_an_environment_goes_when_its_time_is_over(whole: Rig) -> None:
    """Not before; then without its file, wholly, and its end is forgotten."""
    asked: dict[str, Any] = {"yes": True, "force_unlock": None}
    assert reap(whole.account(later=timedelta(hours=7)), (), **asked, dry_run=False) == ()
    over = whole.account(later=timedelta(hours=9))
    (due,) = reap(over, (), **asked, dry_run=True)
    assert (due.environment, due.outcome) == (NAME, Outcome.DUE)
    assert exit_code((due,)) is ExitCode.PLAN_HAS_CHANGES
    (reaped,) = reap(over, (), **asked, dry_run=False)
    assert (reaped.outcome, reaped.reason, leftover_document(reaped.left)) == (Outcome.DESTROYED, "", [])
    assert whole.exists() == ()
    assert Lifetimes(over.session).all() == {}
