"""What llmctl needs to know of an engine: how to start it, reach it, watch it and let it finish.

An engine is a pure translation from a model's section of the environment file to a `Launch`. Nothing here
runs anything: the agent does, on the instance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from infra.agent.config import Launch
from infra.environment.model import Model

API_KEY_REFERENCE = "${api-key}"
"""A value in `engine.env` that stands for the endpoint's key: the variable gets it on the instance."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The engine's own argument names for what the checks reason about; each may have several spellings."""

    reserved: Mapping[str, str] = field(default_factory=dict)
    """Arguments that llmctl writes itself, and what to use instead."""
    tensor_parallel: tuple[str, ...] = ()
    """GPUs that share one copy of the weights; the first spelling is the one llmctl writes."""
    context: tuple[str, ...] = ()
    """Tokens of one sequence."""
    context_is_shared: bool = False
    """Whether `context` is a budget for all sequences together."""
    context_defaults_to_model: bool = False
    """Whether it takes the model's own context when `context` isn't set, and refuses to start if one sequence
    of that length doesn't fit."""
    had_whole_prompts: bool = False
    """Whether older versions worked off prompts in one step (vLLM's chunked prefill came later)."""
    memory_share: tuple[str, ...] = ()
    """Share of the GPU's memory that the engine may use."""
    default_memory_share: float = 1.0
    loads_single_file: bool = False
    """Whether a source names one file (GGUF) and not a repository."""


class Engine(Protocol):
    """One inference server."""

    @property
    def name(self) -> str:
        """As in the environment file."""

    @property
    def vocabulary(self) -> Vocabulary:
        """What its arguments are called."""

    @property
    def known_args(self) -> frozenset[str]:
        """Long argument names, without dashes. Empty: not known, so any is accepted."""

    @property
    def needs_gpu(self) -> bool:
        """Whether it is useless on processors."""

    @property
    def needs_image(self) -> bool:
        """Whether there is no image that llmctl could choose."""

    @property
    def can_serve_below_path(self) -> bool:
        """Whether it can answer on /MODEL/v1/...; if not, all but the default model need a domain."""

    @property
    def hides_health_below_path(self) -> bool:
        """Whether its health path demands the key below a path, so that the balancer can't check it."""

    @property
    def has_api_key(self) -> bool:
        """Whether it can demand a key that it reads from the environment."""

    def launch(self, model: Model, *, served_name: str, path_prefix: str, port: int) -> Launch:
        """How to start this engine for a model.

        `served_name` is the model's name in the environment, which clients send as "model". `path_prefix` is
        "" or "/NAME", under which requests arrive then. `port` is where it listens: the balancer's port, or
        the one behind the recorder.
        """
