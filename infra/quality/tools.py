"""What asking and scoring takes, opened together and closed together."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from infra.environment.rollout import Quality
from infra.quality.client import TIMEOUT, Api, Ask, Endpoint, Releases
from infra.quality.scorers import opened, place_of
from infra.quality.scoring import Scorer


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Connections to the releases, and to whoever scores."""

    ask: Ask
    scorer: Scorer | None
    """None: answers aren't scored."""


def tools(
    endpoint: Endpoint,
    quality: Quality | None,
    variables: Mapping[str, str],
    *,
    timeout: float = TIMEOUT,
) -> Callable[[], AbstractAsyncContextManager[Tools]]:
    """What opens them, in the event loop that is to use them.

    `endpoint` is the model's own, as its clients know it; `variables` hold the scorer's key. `timeout`:
    seconds for an answer. Raises `Refused`, at once, when the scorer can't be reached as configured.
    """
    place = place_of(quality, variables) if quality else None

    @asynccontextmanager
    async def open_() -> AsyncIterator[Tools]:
        async with Api(endpoint, timeout=timeout) as api:
            if quality is None:
                yield Tools(ask=Releases(api), scorer=None)
                return
            async with opened(quality.scorer, place) as scorer:
                yield Tools(ask=Releases(api), scorer=scorer)

    return open_
