"""What drift is, as plain data."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a difference between the file and the cloud means."""

    EXPECTED = "expected motion"
    """Somebody whose job it is moved it: a rollout, the guardian, a policy."""
    WAITING = "not applied"
    """The file has moved on, and nobody has deployed it."""
    MANUAL = "manual change"
    """Nobody whose job it is did this. The next deploy puts it back."""
    BROKEN = "broken"
    """It doesn't work as it is, and doesn't mend by itself."""


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One difference."""

    kind: Kind
    model: str
    """Empty: it belongs to no single model."""
    what: str
    """The resource, by its Terraform address or its name in AWS."""
    found: str
    hint: str = ""


def drifted(findings: tuple[Finding, ...]) -> bool:
    """Whether anything needs a person."""
    return any(finding.kind is not Kind.EXPECTED for finding in findings)
