"""Who may connect is spelled out, and never everybody without a key."""

from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.checks.network import unreadable

_CERTIFICATE_NAME_LIMIT = 64


def _check(subject: Subject) -> Iterator[Finding]:
    yield from _ranges(subject)
    yield from _domain(subject)


def _ranges(subject: Subject) -> Iterator[Finding]:
    endpoint = subject.environment.endpoint
    for index, cidr in enumerate(endpoint.allow_cidrs):
        place = ("endpoint", "allow_cidrs", index)
        yield from unreadable(cidr, place)
        if cidr.endswith("/0") and endpoint.auth == "none":
            yield Finding(
                place=place,
                what="anybody could use the models, and you would pay",
                why="0.0.0.0/0 is the whole internet, and endpoint.auth is none",
                hint="ask for a key (auth: api-key), or list the networks that may connect",
            )


def _domain(subject: Subject) -> Iterator[Finding]:
    endpoint = subject.environment.endpoint
    zone, domain = endpoint.hosted_zone, endpoint.domain
    if domain is None:
        if zone is not None:
            yield Finding(
                place=("endpoint", "hosted_zone"),
                what="hosted_zone goes with domain",
                why="without a domain there is no record to write",
                at_key=True,
            )
        return
    if zone is not None and domain != zone and not domain.endswith(f".{zone}"):
        yield Finding(
            place=("endpoint", "hosted_zone"),
            what=f"{zone} doesn't hold {domain}",
            allowed=f"a parent of {domain}",
        )
    if len(domain) > _CERTIFICATE_NAME_LIMIT:
        yield Finding(
            place=("endpoint", "domain"),
            what=f"{len(domain)} characters are too many",
            why="a certificate's first name has at most 64",
        )
    if endpoint.port == 80:
        yield Finding(
            place=("endpoint", "port"),
            what="80 is the port of HTTP",
            why="with a domain the endpoint speaks HTTPS",
            hint="leave port out for 443",
        )


RULE = Rule(
    id="endpoint",
    summary="Ranges are networks, never the whole internet without a key; the zone holds the domain.",
    check=_check,
)
