"""Wherever Terraform is killed in an apply, the environment ends with an empty inventory.

`python -m benchmarks.teardown` kills after every single resource; here are a few that stand for the others:
each takes a minute.
"""

import pytest

from cli.reaping import reap
from cli.render.inventory import leftover_document
from infra.aws.states import states
from infra.teardown.orphans import orphans
from infra.teardown.reaping import Outcome
from tests.functional.teardown.rig import NAME, Rig

pytestmark = [pytest.mark.terraform, pytest.mark.slow]


@pytest.mark.parametrize("after", [1, 110])
def test_destroy_after_a_killed_apply_leaves_nothing(rig: Rig, after: int) -> None:
    """What a killed apply made is in no state, or half in one, and goes nevertheless."""
    assert rig.crash(after)[0]
    assert rig.exists()
    assert leftover_document(rig.destroy()) == []
    assert rig.exists() == ()


def test_orphans_go_without_their_file(rig: Rig) -> None:
    """What crashed before any state was written is told by its name, and destroyed by it."""
    assert rig.crash(50)[0]
    account = rig.account()
    found = orphans(rig.exists(), states(account.session))
    assert {each.environment for each in found} == {NAME}
    (reaped,) = reap(account, [NAME], yes=True, force_unlock=None, dry_run=False)
    assert (reaped.outcome, reaped.reason, leftover_document(reaped.left)) == (Outcome.DESTROYED, "", [])
    assert rig.exists() == ()
