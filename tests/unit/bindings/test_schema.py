"""The committed bindings are what the provider's own schema says."""

import os

import pytest

from infra.errors import Refused
from infra.terraform.find import find_executable
from infra.terraform.provider import find_mirror
from infra.terraform.version import PROVIDER_VERSION
from modules.bindings.aws import VERSION
from modules.bindings.generate import FOLDER, modules, read_schema


def test_version_is_the_runners() -> None:
    """The classes, and what the Terraform runner looks for, are of the same provider."""
    assert VERSION == PROVIDER_VERSION


@pytest.mark.terraform
def test_generating_again_changes_nothing() -> None:
    """The bindings match the schema, to the byte, and nobody edited them."""
    try:
        find_executable(os.environ)
    except Refused as error:
        pytest.skip(error.message)
    if find_mirror(os.environ) is None:
        pytest.skip("the AWS provider is in no mirror on this machine")
    schema, version = read_schema()
    generated = modules(schema, version)
    assert {path.name: path.read_text() for path in FOLDER.glob("*.py")} == generated
