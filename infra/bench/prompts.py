"""What is asked: a seeded stream of varied prompts, or the lines of a JSONL file.

Real work varies in length both ways, and servers answer sooner what they have seen before (prefix caches), so
the built-in prompts differ from their first words on and hardly ever repeat. They are about nothing in
particular: use `--prompts` with your own to measure your own load.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from infra.errors import Refused

_ASKS = (
    "Explain to a new colleague",
    "Summarise in a few sentences",
    "List the pros and cons of",
    "Write a short story about",
    "Compare with an everyday thing",
    "Draft a friendly message about",
    "Give three examples of",
    "Describe step by step",
)
_WORDS = (
    *("archive", "bakery", "bridge", "calendar", "canal", "compass", "cottage", "engine", "ferry", "garden"),
    *("harvest", "hospital", "journey", "kitchen", "lantern", "library", "market", "meadow", "museum"),
    *("orchard", "painter", "pipeline", "quarry", "railway", "recipe", "satellite", "school", "station"),
    *("telescope", "theatre", "timetable", "village", "violin", "volcano", "weather", "workshop"),
)
_WORDS_BETWEEN = (8, 400)
"""Words of context, most prompts near the lower end."""


@dataclass(frozen=True)
class Prompt:
    """One request: `ask` is a text (completions API) or messages (chat API)."""

    ask: str | Sequence[dict[str, Any]]
    max_tokens: int


def built_in(seed: int, max_tokens: int) -> Iterator[Prompt]:
    """Endless chat prompts of varied length; answers of a quarter of `max_tokens` up to all of it."""
    source = random.Random(f"prompts {seed}")  # noqa: S311 - chance, not secrets
    shortest, longest = _WORDS_BETWEEN
    while True:
        length = round(shortest * (longest / shortest) ** source.random())
        words = " ".join(source.choices(_WORDS, k=length))
        text = f"{source.choice(_ASKS)} {source.choice(_WORDS)} {source.randrange(10**6)}: {words}."
        limit = source.randint(max(1, max_tokens // 4), max_tokens)
        yield Prompt([{"role": "user", "content": text}], limit)


def from_lines(text: str, *, place: str, max_tokens: int) -> Iterator[Prompt]:
    """The prompts of a JSONL file, in order, again and again. Raises `Refused` for the first wrong line.

    A line is {"messages": [...]} for the chat API or {"prompt": "..."} for the completions API, either with
    an optional "max_tokens". `place` is the file's name, for the message.
    """
    lines = enumerate(text.splitlines(), 1)
    prompts = [_prompt(line, f"{place}:{number}", max_tokens) for number, line in lines if line.strip()]
    if not prompts:
        raise Refused(f"{place}: there is no prompt in it")
    return cycle(prompts)


def _prompt(line: str, place: str, max_tokens: int) -> Prompt:
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise Refused(f"{place}: not JSON: {error}", hint="one JSON object on each line") from error
    if not isinstance(raw, dict) or len(raw.keys() & {"prompt", "messages"}) != 1:
        raise Refused(f'{place}: a line has either "prompt" or "messages"')
    if unknown := raw.keys() - {"prompt", "messages", "max_tokens"}:
        raise Refused(
            f"{place}: unknown: {', '.join(sorted(unknown))}", hint="max_tokens is all else there is"
        )
    limit = raw.get("max_tokens", max_tokens)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise Refused(f"{place}: max_tokens is not a positive number: {limit!r}")
    return Prompt(_ask(raw, place), limit)


def _ask(raw: dict[str, Any], place: str) -> str | list[dict[str, Any]]:
    if "prompt" in raw:
        prompt = raw["prompt"]
        if not isinstance(prompt, str):
            raise Refused(f"{place}: prompt is not a text")
        return prompt
    messages = raw["messages"]
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise Refused(f"{place}: messages is not a list of objects")
    return messages
