"""Makes the scorer that a file or a command line names; all names are those of the environment file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from infra.environment.rollout import Quality
from infra.errors import Refused
from infra.quality.client import Api, Endpoint
from infra.quality.embedding import EmbeddingScorer
from infra.quality.judge import JudgeScorer
from infra.quality.prompts import GoldenPrompt
from infra.quality.scoring import Pointwise, Scorer
from infra.quality.texts import exact, regex, rouge_l

REMOTE = ("embedding", "judge")
"""Scorers that send prompts and answers to a URL."""
_NEEDS = {
    "exact": "reference",
    "regex": "pattern",
    "json_schema": "schema",
    "rouge_l": "reference",
    "embedding": "reference",
}
_RETRIES = 3
"""A scorer that is away for a moment must not make a rollout inconclusive."""


def needs(scorer: str, prompt: GoldenPrompt) -> str:
    """The key that a prompt lacks for this scorer; empty: it can be scored."""
    key = _NEEDS.get(scorer)
    return key if key is not None and getattr(prompt, key) is None else ""


def scorable(scorer: str, prompts: Sequence[GoldenPrompt], place: str) -> tuple[GoldenPrompt, ...]:
    """The prompts that this scorer can score; raises `Refused` when there is none."""
    found = tuple(prompt for prompt in prompts if not needs(scorer, prompt))
    if not found:
        raise Refused(
            f"{place}: no prompt has a {_NEEDS[scorer]}, which the scorer {scorer} measures answers by",
            hint="add it to the prompts, or choose another scorer; docs/golden.md has both",
        )
    return found


def place_of(quality: Quality, variables: Mapping[str, str]) -> Endpoint | None:
    """Where a scorer asks; None: nowhere. Raises `Refused` when it isn't told, or its key isn't set."""
    if quality.scorer not in REMOTE:
        return None
    if not quality.url or not quality.model:
        raise Refused(f"the scorer {quality.scorer} needs a url and a model to ask there")
    key = variables.get(quality.api_key_env) if quality.api_key_env else None
    if quality.api_key_env and not key:
        raise Refused(f"the scorer's key: the variable {quality.api_key_env} is not set")
    return Endpoint(url=quality.url, model=quality.model, api_key=key)


@asynccontextmanager
async def opened(name: str, place: Endpoint | None) -> AsyncIterator[Scorer]:
    """The scorer, ready to score; `place` as `place_of` told."""
    if place is None:
        yield _local(name)
        return
    async with Api(place, retries=_RETRIES) as api:
        yield EmbeddingScorer(api) if name == "embedding" else JudgeScorer(api)


def _local(name: str) -> Scorer:
    if name == "json_schema":
        from infra.quality.structure import json_schema

        return Pointwise(json_schema)
    return Pointwise({"exact": exact, "regex": regex, "rouge_l": rouge_l}[name])
