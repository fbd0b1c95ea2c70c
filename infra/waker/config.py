"""What the waker is told: names only, because it is packed before anything exists."""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SleepingModel:
    """One model that may sleep. Target groups and autoscaling groups by slot: blue, green."""

    name: str
    sleep_after: int
    """Seconds."""
    waker_target_group: str
    target_groups: dict[str, str]
    groups: dict[str, tuple[str, ...]]
    """The first one gets the replica that wakes the model."""


@dataclass(frozen=True, kw_only=True)
class WakerConfig:
    """The environment."""

    environment: str
    balancer: str
    runtime_table: str
    models: tuple[SleepingModel, ...]

    def to_json(self) -> str:
        """Compact and byte-stable."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "WakerConfig":
        """Inverse of `to_json`; raises TypeError or ValueError on anything else."""
        raw: dict[str, Any] = json.loads(text)
        models = tuple(
            SleepingModel(
                **model | {"groups": {slot: tuple(groups) for slot, groups in model["groups"].items()}}
            )
            for model in raw.pop("models")
        )
        return cls(models=models, **raw)
