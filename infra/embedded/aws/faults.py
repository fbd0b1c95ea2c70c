"""Failures of the API on demand: throttled, failing, slow or stale answers, and answers that get lost.

Off until somebody asks for them, for all callers alike: Terraform, agents, functions and people. Chance is
seeded, so that the same calls in the same order meet the same fate.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any

MOST_PROPAGATION = 60.0
_STALE_ACTIONS = (
    b"Action=DescribeAutoScalingGroups",
    b"Action=DescribeRules",
    b"Action=DescribeTargetHealth",
)
"""Reads that AWS calls eventually consistent, and that drivers of traffic depend on."""
_CODES = {
    "autoscaling": ("400 Bad Request", "Throttling"),
    "dynamodb": ("400 Bad Request", "ProvisionedThroughputExceededException"),
    "ec2": ("503 Service Unavailable", "RequestLimitExceeded"),
    "elasticloadbalancing": ("400 Bad Request", "Throttling"),
    "s3": ("503 Slow Down", "SlowDown"),
}
"""How each service says that it is asked too much; the others say ThrottlingException."""
_OTHERS = ("400 Bad Request", "ThrottlingException")
_SIGNED_AS = {"cloudwatch": "monitoring", "elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}
"""Services that SDKs and people call differently from the credentials of a call."""


class Fate(Enum):
    """What becomes of a call."""

    SERVED = "served"
    THROTTLED = "throttled"
    FAILED = "failed"
    """Not carried out."""
    LOST = "lost"
    """Carried out, and the caller never learns it."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What goes wrong. Shares of all calls from 0 to 1, times in seconds."""

    throttle: float = 0.0
    errors: float = 0.0
    lost: float = 0.0
    latency: float = 0.0
    """Every call takes so much longer."""
    stale: float = 0.0
    """Eventually consistent reads may be so old."""
    propagation: float = 0.0
    """The last of the load balancer's nodes learns of new weights so much later; 60 at most."""
    services: tuple[str, ...] = ()
    """Only calls to these, as credentials name them (ec2, monitoring, dynamodb...); empty: all."""
    seed: int = 0

    @classmethod
    def told(cls, wanted: Mapping[str, Any]) -> "Faults":
        """From JSON; raises ValueError for what can't be."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(wanted) - known):
            raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        for name, value in wanted.items():
            _check(name, value)
        services = tuple(_SIGNED_AS.get(each, each) for each in wanted.get("services", ()))
        faults = cls(**{**wanted, "services": services})
        if faults.throttle + faults.errors + faults.lost > 1:
            raise ValueError("throttle, errors and lost are shares of all calls: together at most 1")
        return faults


def _check(name: str, value: object) -> None:
    if name == "services":
        right, allowed = _are_services(value), "a list of AWS services, such as ec2, elbv2 or dynamodb"
    elif name == "seed":
        right, allowed = type(value) is int, "a whole number"
    elif name in ("throttle", "errors", "lost"):
        right, allowed = _within(value, 1.0), "a share from 0 to 1"
    elif name == "propagation":
        right, allowed = _within(value, MOST_PROPAGATION), "seconds, 0 to 60"
    else:
        right, allowed = _within(value, 3600.0), "seconds, 0 to 3600"
    if not right:
        raise ValueError(f"{name} is {allowed}, not {value!r}")


def _are_services(value: object) -> bool:
    from botocore.session import get_session

    known = {*get_session().get_available_services(), *_SIGNED_AS.values()}
    return isinstance(value, list | tuple) and all(isinstance(each, str) and each in known for each in value)


def _within(value: object, most: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(float(str(value))) and 0 <= float(str(value)) <= most


class Injector:
    """The faults that hold now. Thread-safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._faults = Faults()
        self._draw = random.Random(0)  # noqa: S311 - chance, not secrets
        self._answers: dict[bytes, tuple[float, Any]] = {}

    @property
    def faults(self) -> Faults:
        """What goes wrong at present."""
        return self._faults

    def set(self, faults: Faults) -> None:
        """From now on, instead of what was before."""
        with self._lock:
            self._faults = faults
            self._draw = random.Random(faults.seed)  # noqa: S311 - chance, not secrets
            self._answers.clear()

    def show(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self._faults)

    def fate(self, service: str) -> Fate:
        """What becomes of the next call to a service."""
        with self._lock:
            faults = self._faults
            if not self._hits(service):
                return Fate.SERVED
            chance = self._draw.random()
            for fate, share in (
                (Fate.THROTTLED, faults.throttle),
                (Fate.FAILED, faults.errors),
                (Fate.LOST, faults.lost),
            ):
                if chance < share:
                    return fate
                chance -= share
            return Fate.SERVED

    def latency(self, service: str) -> float:
        """Seconds that a call to the service has to wait."""
        return self._faults.latency if self._hits(service) else 0.0

    def remembered(self, service: str, body: bytes) -> Any | None:
        """An earlier answer to the same eventually consistent read, if it may still be given."""
        if not self._lags(service, body):
            return None
        with self._lock:
            at, answer = self._answers.get(body, (-math.inf, None))
            return answer if self._now() - at < self._faults.stale else None

    def remember(self, service: str, body: bytes, answer: Any) -> None:
        """Keep a fresh answer to such a read."""
        if self._lags(service, body):
            with self._lock:
                self._answers[body] = (self._now(), answer)

    def _lags(self, service: str, body: bytes) -> bool:
        return bool(self._faults.stale) and self._hits(service) and body.startswith(_STALE_ACTIONS)

    def _hits(self, service: str) -> bool:
        return not self._faults.services or service in self._faults.services


def throttled(service: str) -> tuple[str, str]:
    """Status line and code by which a service says that it is asked too much."""
    return _CODES.get(service, _OTHERS)


INJECTOR = Injector()
"""The cloud's; its API, its load balancers and its daemon's interface share it."""
