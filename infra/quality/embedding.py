"""The scorer by meaning: cosine similarity of the answer's and the reference's embeddings.

Both texts are sent to the embedding model at the configured URL. A similarity below 0 counts as 0.
"""

import math
from collections.abc import Sequence
from typing import Any

from infra.environment.slots import Slot
from infra.quality.client import Api, AskError
from infra.quality.prompts import GoldenPrompt
from infra.quality.scoring import Answers, Scores, Unscored


class EmbeddingScorer:
    """Asks an OpenAI-compatible /embeddings."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def score(self, prompt: GoldenPrompt, answers: Answers) -> Scores:
        """Similarity of each answer with the reference; an empty answer is 0, for it has no meaning."""
        said = {slot: answer for slot, answer in answers.items() if answer.strip()}
        scores: dict[Slot, float] = dict.fromkeys(answers, 0.0)
        if said:
            reference, *vectors = await self._embed([prompt.reference or "", *said.values()])
            scores |= {slot: cosine(reference, each) for slot, each in zip(said, vectors, strict=True)}
        return scores

    async def _embed(self, texts: list[str]) -> list[list[float]]:
        try:
            reply = await self._api.post("/embeddings", {"model": self._api.model, "input": texts})
        except AskError as error:
            raise Unscored(f"the embedding model: {error}") from error
        try:
            return _vectors(reply["data"], len(texts))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Unscored(f"the embedding model's reply can't be read: {error!r}") from error


def cosine(first: Sequence[float], second: Sequence[float]) -> float:
    """Cosine of the angle between two vectors, at least 0. Raises `Unscored` where there is no angle."""
    if len(first) != len(second):
        raise Unscored("the embedding model gave vectors of different length")
    lengths = math.hypot(*first) * math.hypot(*second)
    if not 0 < lengths < math.inf:
        raise Unscored("the embedding model gave a vector without a direction")
    product = sum(left * right for left, right in zip(first, second, strict=True))
    return min(1.0, max(0.0, product / lengths))


def _vectors(data: Any, count: int) -> list[list[float]]:
    """In the order of the texts, whatever the reply's."""
    found = {int(each["index"]): [float(value) for value in each["embedding"]] for each in data}
    if sorted(found) != list(range(count)):
        raise ValueError(f"{count} texts, embeddings of {sorted(found)}")
    return [found[index] for index in range(count)]
