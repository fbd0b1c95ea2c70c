"""Stacks under test. The variants are synthesised once: a synthesis never changes."""

from collections.abc import Callable

import pytest

from infra.environment.model import Environment
from tests.synth.synthesis import VARIANTS, Stack

_done: dict[str, Stack] = {}


@pytest.fixture
def synth(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Environment], Stack]:
    """Synthesise an environment."""

    def synthesise(spec: Environment) -> Stack:
        return Stack(spec, tmp_path_factory.mktemp("synth"))

    return synthesise


@pytest.fixture(params=list(VARIANTS))
def variant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Each variant's stack."""
    name: str = request.param
    if name not in _done:
        _done[name] = Stack(VARIANTS[name], tmp_path_factory.mktemp(name))
    return _done[name]


@pytest.fixture
def spec(request: pytest.FixtureRequest, variant: Stack) -> Environment:
    """The environment of the variant at hand."""
    del variant
    return VARIANTS[request.node.callspec.params["variant"]]
