"""Builds the function's zip: the waker and its configuration."""

from pathlib import Path

from infra.bundles.function import function_bundle
from infra.waker.config import WakerConfig

_MODULE = "infra.waker.handler"
HANDLER = f"{_MODULE}.handle"


def waker_bundle(config: WakerConfig, cache: Path) -> Path:
    """The function's zip in `cache`, named by its content: the same inputs give the same bytes."""
    data = {"infra/waker/config.json": config.to_json().encode()}
    return function_bundle("waker", _MODULE, cache, data=data)
