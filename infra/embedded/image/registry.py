"""Which local server stands in for which container image.

There is no container runtime here: an image is recognised by its repository's name, and a program of this
package is run in its place. An image that nobody stands in for fails as a missing image does.
"""

import re
from dataclasses import dataclass

_SERVERS = "infra.embedded.image.servers"
_DIGEST_OR_TAG = re.compile(r"(@sha256:[0-9a-f]{64}|:[\w][\w.-]{0,127})$")


@dataclass(frozen=True)
class Server:
    """A program that stands in for an image."""

    module: str
    arguments: tuple[str, ...]
    """Put before the container's own."""
    description: str
    """For people, who should know what answers them."""


def server_for(image: str) -> Server | None:
    """The server that stands in for an image (`repository[:tag]`), or None."""
    repository = _DIGEST_OR_TAG.sub("", image).lower()
    if "llama.cpp" in repository:
        return Server(f"{_SERVERS}.llama_cpp", (), "the llama.cpp server on this machine's CPU")
    if any(known in repository for known in _SIMULATED):
        return Server(f"{_SERVERS}.simulator", ("--image", image), "a simulator: no model, invented answers")
    return None


_SIMULATED = (
    "llmctl/simulator",
    "vllm",
    "sglang",
    "text-generation-inference",
    "bentoml",
    "rayproject/ray",
)
