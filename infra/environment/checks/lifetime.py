"""An environment that ends by itself may be ended, and lives long enough to be of use."""

from collections.abc import Iterator

from infra.environment.base import seconds
from infra.environment.checks.base import Finding, Rule, Subject

_SHORTEST = 15 * 60
"""Seconds. A first deploy with its weights takes about as long."""


def _check(subject: Subject) -> Iterator[Finding]:
    ttl = subject.environment.ttl
    if ttl is None:
        return
    if subject.environment.protect:
        yield Finding(
            place=("ttl",),
            what="this environment is protected",
            why="`protect: true` refuses what `ttl` asks for",
            hint="remove one of them",
        )
    if seconds(ttl) < _SHORTEST:
        yield Finding(
            place=("ttl",),
            what=f"{ttl} is too short",
            why="a deploy may take as long, and would be destroyed before it serves",
            allowed="15m or longer",
        )


RULE = Rule(
    id="lifetime", summary="`ttl` is 15m or longer, and not on a protected environment.", check=_check
)
