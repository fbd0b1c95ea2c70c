"""What llmctl needs to know of an engine: how to start it, reach it, watch it and let it finish.

An engine is a pure translation from a model's section of the environment file to a `Launch`. Nothing here runs
anything: the agent does, on the instance.
"""

from typing import Protocol

from infra.agent.config import Launch
from infra.environment.model import Model


class Engine(Protocol):
    """One inference server."""

    name: str
    known_args: frozenset[str]
    """Long argument names, without dashes. Empty: not known, so any is accepted."""
    needs_gpu: bool
    can_serve_below_path: bool
    """Whether the engine can answer on /MODEL/v1/... as well as on /v1/...; if not, a domain is needed."""
    has_api_key: bool

    def launch(self, model: Model, *, served_name: str, path_prefix: str) -> Launch:
        """How to start this engine for a model.

        `served_name` is the model's name in the environment, which clients send as "model". `path_prefix` is ""
        or "/NAME": requests may arrive with or without it.
        """
