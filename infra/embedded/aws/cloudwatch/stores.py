"""The metrics of every account and region, in the daemon's memory."""

from collections.abc import Iterable

from infra.embedded.aws.cloudwatch.store import Store

_stores: dict[tuple[str, str], Store] = {}


def store(account: str, region: str) -> Store:
    """The metrics of an account in a region."""
    return _stores.setdefault((account, region), Store())


def everything() -> Iterable[Store]:
    """All stores that have been asked for."""
    return tuple(_stores.values())


def clear() -> None:
    """Forget all metrics."""
    _stores.clear()
