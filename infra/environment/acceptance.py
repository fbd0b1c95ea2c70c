"""The section of an environment file that says which risks of its plans are meant."""

from typing import Annotated, Literal

from msgspec import Meta

from infra.environment.base import Spec

RiskId = Literal[
    "account-unknown",
    "address-changes",
    "capacity-cut",
    "data-loss",
    "forgotten",
    "less-memory",
    "logs-lost",
    "low-availability",
    "may-sleep",
    "model-removed",
    "no-auth",
    "no-fallback",
    "no-room",
    "not-offered",
    "often-interrupted",
    "one-pool",
    "open-endpoint",
    "outage",
    "plain-http",
    "protection-off",
    "quota-headroom",
    "quota-too-small",
    "tight-fit",
    "unjudged-release",
    "unprotected",
    "weaker-instances",
    "wider-endpoint",
    "wider-permissions",
]
"""Every kind of risk that a plan is searched for; docs/risks.md explains them."""


class Acceptance(Spec, frozen=True, kw_only=True):
    """A risk that is meant."""

    risk: Annotated[RiskId, Meta(description="Which one: docs/risks.md has them all.")]
    reason: Annotated[str, Meta(min_length=10, description="Why; shown with each plan that has the risk.")]
    model: Annotated[str | None, Meta(description="Only of this model; default: of all, and of none.")] = None
