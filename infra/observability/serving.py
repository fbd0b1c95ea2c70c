"""What takes requests: a release in a slot, the finest that they are told apart by."""

from dataclasses import dataclass

from infra.environment.slots import Slot


@dataclass(frozen=True, order=True)
class Serving:
    """A release (launch template version) in a slot."""

    slot: Slot
    release: int
