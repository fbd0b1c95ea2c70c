"""How the waker tells that a rollout goes on."""

import pytest

from infra.rollout.types import Phase
from infra.waker.cloud import is_rolling


@pytest.mark.parametrize("phase", Phase)
def test_a_rollout_goes_on_until_it_has_ended(phase: Phase) -> None:
    """The waker means the same by an end as the rollout does."""
    assert is_rolling({"phase": {"S": phase.value}}) is not phase.ended


def test_a_model_without_a_rollout() -> None:
    """Before its first rollout a model has no record of one."""
    assert not is_rolling(None)
