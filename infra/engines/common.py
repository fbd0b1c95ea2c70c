"""What engines share: facts about an engine as data, and arguments as text.

Refuses to know any engine in particular.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from infra.engines.base import API_KEY_REFERENCE, Vocabulary
from infra.environment.base import Scalar
from infra.environment.instances import gpus
from infra.environment.model import Model

KEEP_ALIVE_SECONDS = 660
"""How long an engine keeps an idle connection: longer than the balancer does, which else sends a request down
a connection that is just being closed, and answers 502."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The plain facts of the `Engine` protocol; engines add `launch`."""

    name: str
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    arguments: str | None = None
    """Name of the list of known arguments in `infra/engines/arguments`."""
    repository: str | None = None
    needs_gpu: bool = True
    can_serve_below_path: bool = False
    hides_health_below_path: bool = False
    has_api_key: bool = False

    @property
    def known_args(self) -> frozenset[str]:
        """Long argument names, without dashes; empty when not known."""
        return known_arguments(self.arguments) if self.arguments else frozenset()

    @property
    def needs_image(self) -> bool:
        """Whether there is no image that llmctl could choose."""
        return self.repository is None

    def image(self, model: Model, tag: str | None = None) -> str:
        """Repository and tag; `tag` replaces the version where an engine's own images are named otherwise.

        Raises ValueError without a repository: the checks of the environment file refuse that first.
        """
        if model.engine.image is not None:
            return f"{model.engine.image}:{model.engine.version}"
        if self.repository is None:
            raise ValueError(f"engine {self.name} has no image of its own")
        return f"{self.repository}:{tag or model.engine.version}"


@cache
def known_arguments(name: str) -> frozenset[str]:
    """The list of an engine's arguments; each file says where its list comes from."""
    text = (resources.files("infra.engines.arguments") / f"{name}.json").read_text()
    return frozenset(json.loads(text)["arguments"])


def options(arguments: Mapping[str, Scalar], *, negatable: bool = False) -> tuple[str, ...]:
    """Arguments by long name as command line words, sorted by name so that a file's order is no change.

    True is a bare flag. False is `--no-NAME` where the engine has that (`negatable`), else nothing.
    """
    words: list[str] = []
    for name, value in sorted(arguments.items()):
        if value is True:
            words.append(f"--{name}")
        elif value is False:
            words.extend([f"--no-{name}"] if negatable else [])
        else:
            words.extend([f"--{name}", str(value)])
    return tuple(words)


def present(arguments: Mapping[str, Scalar | None]) -> dict[str, Scalar]:
    """Without the arguments that have no value."""
    return {name: value for name, value in arguments.items() if value is not None}


def tensor_parallel(model: Model, vocabulary: Vocabulary) -> dict[str, Scalar]:
    """Use every GPU of the instance, unless the file says otherwise: engines use one by default."""
    count = gpus(model.instances.types)
    if count <= 1 or any(name in model.engine.args for name in vocabulary.tensor_parallel):
        return {}
    return {vocabulary.tensor_parallel[0]: count}


def plain_env(model: Model) -> dict[str, str]:
    """The engine's variables as they are written, less the reference to the key."""
    return {name: value for name, value in model.engine.env.items() if value != API_KEY_REFERENCE}


def key_variable(model: Model) -> str | None:
    """The variable that the file gives the key to, if it does."""
    return next((name for name, value in model.engine.env.items() if value == API_KEY_REFERENCE), None)


def has_gpus(model: Model) -> bool:
    """Whether the model's instances have GPUs to hand to the container."""
    return gpus(model.instances.types) > 0
