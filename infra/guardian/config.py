"""What the guardian is told of a model: where its replicas may be, and how careful to be.

It is an item of the runtime table, put there by Terraform with the model's other resources: so models come
and go without touching the function, and every environment has the same zip.
"""

import json
from dataclasses import asdict, dataclass

from infra.spot.types import Settings

VARIABLE = "LLMCTL_ENVIRONMENT"
"""Environment variable of the function with the environment's name."""
PARTITION = "guarded"
"""Of the runtime table; sorted by the models' names. The attribute `config` has what is below, as JSON."""


@dataclass(frozen=True, kw_only=True)
class GuardedModel:
    """A model whose missing spot replicas are replaced on demand."""

    name: str
    zones: tuple[str, ...]
    types: tuple[str, ...]
    """Of instances."""
    settings: Settings
    standby: int = 0
    """Stopped on-demand instances that wait for their turn."""

    def to_json(self) -> str:
        """Compact and byte-stable."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "GuardedModel":
        """Inverse of `to_json`; raises TypeError or ValueError on anything else."""
        raw = json.loads(text)
        lists = {"zones": tuple(raw["zones"]), "types": tuple(raw["types"])}
        return cls(**{**raw, **lists, "settings": Settings(**raw["settings"])})
