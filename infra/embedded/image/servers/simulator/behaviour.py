"""What of the simulator's behaviour can change while it runs, so that an engine can fall ill and recover."""

import json
import sys
from dataclasses import asdict, dataclass

from infra.embedded.image.servers.simulator.settings import Settings


class NotABehaviour(ValueError):  # noqa: N818 - an answer to a client, not a fault
    """What was asked for can't be done; the message says why."""


@dataclass
class Behaviour:
    """Shared by all that looks at it. Times in seconds."""

    ttft: float
    """From the start of the work to the first token."""
    time_per_token: float
    """For one sequence alone; a full batch is slower."""
    error_rate: float
    """Share of requests that fail with status 500."""
    garbled: bool
    """Whether answers have nothing to do with the prompt, as with a broken chat template."""
    metrics: bool = True
    """Whether /metrics answers; else it fails with status 500."""

    @classmethod
    def told(cls, settings: Settings) -> "Behaviour":
        """As it is at the start."""
        return cls(settings.ttft, settings.time_per_token, settings.error_rate, settings.garbled)

    def change(self, body: bytes) -> None:
        """Take over a JSON object of fields, all of them or none; raises NotABehaviour."""
        try:
            wanted = json.loads(body)
        except ValueError as error:
            raise NotABehaviour(f"the body is not JSON: {error}") from error
        if not isinstance(wanted, dict):
            raise NotABehaviour("the body is not a JSON object")
        if unknown := sorted(set(wanted) - set(self.now())):
            raise NotABehaviour(f"unknown: {', '.join(unknown)}; there are {', '.join(self.now())}")
        for name, value in wanted.items():
            _check(name, value)
        for name, value in wanted.items():
            setattr(self, name, value)

    def now(self) -> dict[str, object]:
        """All of it."""
        return asdict(self)


def _check(name: str, value: object) -> None:
    if name in ("metrics", "garbled"):
        allowed, right = "true or false", isinstance(value, bool)
    elif name == "error_rate":
        allowed, right = "a number from 0 to 1", _is_number(value, 1.0)
    else:
        allowed, right = "a number of seconds", _is_number(value, sys.float_info.max)
    if not right:
        raise NotABehaviour(f"{name} is {allowed}, not {value!r}")


def _is_number(value: object, highest: float) -> bool:
    """From 0 to the highest; neither a truth value nor what is no number at all."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= highest
