"""One rig for each test, in an empty account."""

import os
from collections.abc import Iterator

import pytest

from infra.errors import Refused
from infra.terraform.find import find_executable
from infra.terraform.provider import find_mirror
from tests.functional.teardown.rig import Rig, empty_account
from tests.functional.teardown.rig import rig as make


@pytest.fixture(scope="session")
def shared_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The emulated account; skips where Terraform or its provider is missing."""
    try:
        find_executable(os.environ)
    except Refused as error:
        pytest.skip(error.message)
    if find_mirror(os.environ) is None:
        pytest.skip("the AWS provider is in no mirror on this machine")
    with make(tmp_path_factory.mktemp("teardown")) as made:
        yield made


@pytest.fixture
def rig(shared_rig: Rig) -> Rig:
    """The same, emptied."""
    empty_account(shared_rig)
    return shared_rig
