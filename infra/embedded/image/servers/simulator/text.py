"""Invented answers: the same request and seed give the same words, and nobody can take them for a model's."""

import hashlib
import random
from dataclasses import dataclass

_FIRST = "[simulated]"
_WORDS = (
    *("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "island", "jasper", "kernel"),
    *("lantern", "meadow", "nectar", "orchid", "pebble", "quartz", "ripple", "saffron", "timber", "umber"),
    *("violet", "willow", "yarrow", "zephyr"),
)
_GARBLE = (
    "<|im_start|>",
    "<|im_end|>",
    "<|assistant|>",
    "<|user|>",
    "[INST]",
    "[/INST]",
    "<s>",
    "</s>",
    "\ufffd",
)
"""What people see of a model that is asked in another format than it was taught."""
_SHORTEST, _LONGEST = 16, 96


@dataclass(frozen=True)
class Answer:
    """The words of an answer, one a token, and why it ended."""

    tokens: tuple[str, ...]
    finish_reason: str

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.tokens)


def invent(
    prompt: str, *, seed: int, limit: int | None, ignore_end: bool = False, garbled: bool = False
) -> Answer:
    """An answer of at most `limit` tokens; exactly so many with `ignore_end`; without sense if `garbled`."""
    digest = hashlib.sha256(f"{seed}\0{prompt}".encode()).digest()
    source = random.Random(digest)  # noqa: S311 - words, not secrets
    natural = source.randint(_SHORTEST, _LONGEST)
    length = limit if limit is not None and (ignore_end or limit < natural) else natural
    vocabulary = _GARBLE if garbled else _WORDS
    words = [_FIRST, *(f" {source.choice(vocabulary)}" for _ in range(length - 1))][:length]
    return Answer(tuple(words), "length" if length == limit else "stop")


def count_tokens(prompt: str) -> int:
    """Tokens of a prompt: its words, roughly."""
    return max(1, len(prompt.split()))
