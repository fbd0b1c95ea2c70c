"""Tags of yours don't collide with AWS's or llmctl's, and AWS accepts them."""

import re
from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject

_RESERVED = ("aws:", "llmctl:")
_KEY_LIMIT, _VALUE_LIMIT, _COUNT_LIMIT = 128, 256, 40
_VALUE = re.compile(r"[\w\s.:/=+@-]*")
_KEY = re.compile(r"[A-Za-z0-9_.:=+@-]+")
"""Narrower than a tag's key may be: instances read their tags from the metadata service, which has no spaces
or slashes in its paths, and EC2 refuses to launch an instance with such a tag."""
_UNREADABLE = (".", "..", "_index")


def _check(subject: Subject) -> Iterator[Finding]:
    tags = subject.environment.tags
    if len(tags) > _COUNT_LIMIT:
        yield Finding(
            place=("tags",),
            what=f"{len(tags)} tags are too many",
            why="a resource has 50, some of them llmctl's",
            allowed=f"at most {_COUNT_LIMIT}",
        )
    for key, value in tags.items():
        reserved = next((each for each in _RESERVED if key.lower().startswith(each)), None)
        if reserved:
            yield Finding(
                place=("tags", key),
                what=f"{key} starts with {reserved}",
                why="such tags are reserved",
                hint="use another prefix",
                at_key=True,
            )
        if not _accepted(key, value):
            yield Finding(
                place=("tags", key),
                what=f"{key} isn't a tag that AWS accepts",
                allowed="letters, digits and . : = + @ - _, in values also spaces and /; keys of at most "
                f"{_KEY_LIMIT} characters, values of at most {_VALUE_LIMIT}",
                at_key=True,
            )


def _accepted(key: str, value: str) -> bool:
    if len(key) > _KEY_LIMIT or len(value) > _VALUE_LIMIT or key in _UNREADABLE:
        return False
    return bool(_KEY.fullmatch(key) and _VALUE.fullmatch(value))


RULE = Rule(id="tags", summary="Tags are not reserved, and AWS accepts them.", check=_check)
