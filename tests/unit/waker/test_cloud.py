"""How the waker tells that a rollout goes on."""

import pytest

from infra.rollout.codec import to_json
from infra.rollout.types import Phase, Status
from infra.waker.cloud import is_rolling


@pytest.mark.parametrize("phase", Phase)
def test_a_rollout_goes_on_until_it_has_ended(phase: Phase) -> None:
    """The waker reads the journal's own words, and means the same by an end as the rollout does."""
    item = {"status": {"S": to_json(Status(phase=phase, since=0.0))}}
    assert is_rolling(item) is not phase.ended


def test_a_model_without_a_rollout() -> None:
    """Before its first rollout a model has no record of one."""
    assert not is_rolling(None)
