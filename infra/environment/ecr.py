"""Images in Amazon's registry, ECR, which gives nothing to who hasn't logged in. Knows no other registry."""

import re
from dataclasses import dataclass

_IMAGE = re.compile(
    r"(?P<registry>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?)"
    r"/(?P<name>[^:@]+)([:@].*)?"
)


@dataclass(frozen=True, kw_only=True)
class EcrRepository:
    """A repository, maybe of another account or region."""

    registry: str
    """The host that docker logs in to."""
    account: str
    region: str
    name: str


def ecr_repository(image: str) -> EcrRepository | None:
    """The repository of an image, with or without a tag; None for an image that isn't in ECR."""
    found = _IMAGE.fullmatch(image)
    if found is None:
        return None
    return EcrRepository(**{key: found[key] for key in ("registry", "account", "region", "name")})
