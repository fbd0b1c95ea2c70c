"""Tags of yours don't collide with AWS's or llmctl's, and AWS accepts them."""

import re
from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject

_RESERVED = ("aws:", "llmctl:")
_KEY_LIMIT, _VALUE_LIMIT, _COUNT_LIMIT = 128, 256, 40
_CHARACTERS = re.compile(r"[\w\s.:/=+@-]*")


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
        long = len(key) > _KEY_LIMIT or len(value) > _VALUE_LIMIT
        if long or not _CHARACTERS.fullmatch(key + value):
            yield Finding(
                place=("tags", key),
                what=f"{key} isn't a tag that AWS accepts",
                allowed=f"letters, digits, spaces and . : / = + @ - _; keys of at most {_KEY_LIMIT} "
                f"characters, values of at most {_VALUE_LIMIT}",
                at_key=True,
            )


RULE = Rule(id="tags", summary="Tags are not reserved, and AWS accepts them.", check=_check)
