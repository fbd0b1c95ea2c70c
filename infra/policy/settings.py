"""The rules that come with llmctl, with a team's own figures: `policy.yaml` in the policy folder. Pure."""

from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Annotated, Any

from msgspec import Meta, Struct

from infra.policy.types import Document, Severity, Violation

_SPOT, _ON_DEMAND = "spot instances", "on-demand instances"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is checked; what is left out is not."""

    required_tags: tuple[str, ...] = ()
    """Keys that `tags` must have."""
    regions: tuple[str, ...] = ()
    """Regions that are allowed; patterns such as `eu-*` too."""
    instance_families: tuple[str, ...] = ()
    """Families of instance types that are allowed, such as `g6`; patterns too."""
    monthly_budget: Annotated[float, Meta(gt=0)] | None = None
    """Most that the environment may cost, in US dollars a month as expected."""
    min_spot_share: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Share of a model's instance cost, as expected, that is on spot at least."""
    public_endpoint_needs_auth: bool = False
    """An endpoint that everybody reaches must ask for a key."""
    severity: Severity = Severity.DENY


def check(settings: Settings, document: Document, file: str) -> Iterator[Violation]:
    """What the plan of `document` violates; `file`: where the settings are."""
    for name, rule in _RULES.items():
        for message in rule(settings, document):
            yield Violation(severity=settings.severity, rule=f"{file}: {name}", message=message)


def _tags(settings: Settings, document: Document) -> Iterator[str]:
    missing = [tag for tag in settings.required_tags if tag not in document["after"]["tags"]]
    if missing:
        yield f"tags lacks {', '.join(missing)}"


def _regions(settings: Settings, document: Document) -> Iterator[str]:
    region = document["after"]["provider"]["region"]
    if settings.regions and not any(fnmatch(region, allowed) for allowed in settings.regions):
        yield f"{region} is not one of {', '.join(settings.regions)}"


def _families(settings: Settings, document: Document) -> Iterator[str]:
    if not settings.instance_families:
        return
    for name, model in document["after"]["models"].items():
        for type_ in model["instances"]["types"]:
            family = type_.partition(".")[0]
            if not any(fnmatch(family, allowed) for allowed in settings.instance_families):
                yield f"{name}: {type_} is not of {', '.join(settings.instance_families)}"


def _budget(settings: Settings, document: Document) -> Iterator[str]:
    if settings.monthly_budget is None:
        return
    month = document["cost"]["after"]
    if month["expected"] > settings.monthly_budget:
        yield f"about ${month['expected']:,.0f} a month, more than ${settings.monthly_budget:,.0f}"


def _spot_share(settings: Settings, document: Document) -> Iterator[str]:
    if settings.min_spot_share is None:
        return
    for name in document["after"]["models"]:
        spot, on_demand = (_expected(document, name, what) for what in (_SPOT, _ON_DEMAND))
        if spot + on_demand and spot / (spot + on_demand) < settings.min_spot_share:
            share, least = spot / (spot + on_demand), settings.min_spot_share
            yield f"{name}: {share:.0%} of its instances' cost is spot, less than {least:.0%}"


def _expected(document: Document, model: str, what: str) -> float:
    lines: list[dict[str, Any]] = document["cost"]["lines"]
    return sum(float(each["expected"]) for each in lines if (each["model"], each["what"]) == (model, what))


def _auth(settings: Settings, document: Document) -> Iterator[str]:
    endpoint = document["after"]["endpoint"]
    is_open = any(cidr.endswith("/0") for cidr in endpoint["allow_cidrs"])
    if settings.public_endpoint_needs_auth and is_open and endpoint["auth"] == "none":
        yield "everybody reaches the endpoint, and it asks for no key"


_RULES = {
    "required_tags": _tags,
    "regions": _regions,
    "instance_families": _families,
    "monthly_budget": _budget,
    "min_spot_share": _spot_share,
    "public_endpoint_needs_auth": _auth,
}
