"""Builds the function's zip. It is the same for every environment: what differs is told by a variable."""

from pathlib import Path

from infra.bundles.function import function_bundle

_MODULE = "infra.guardian.handler"
HANDLER = f"{_MODULE}.handle"


def guardian_bundle(cache: Path) -> Path:
    """The function's zip in `cache`, named by its content: the same sources give the same bytes."""
    return function_bundle("guardian", _MODULE, cache)
