"""The function: a request for a sleeping model, or a look at all models once a minute.

A request is always answered: 503 with Retry-After, in the shape of OpenAI's errors, so that clients which
honour it find the model awake. What fails is logged and forgotten, with all that was looked up: the next
invocation begins anew, and one model's trouble is not another's.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from infra.waker.cloud import Clients, ModelCloud, connect
from infra.waker.config import WakerConfig
from infra.waker.policy import DEFAULT_COLD_START, Action, Observation, decide, retry_after

_LOG = logging.getLogger("waker")
CONFIG = Path(__file__).with_name("config.json")
_REQUESTS_APART = 1.0
"""Seconds in which further requests for a model get the last answer: a burst is no burst of calls."""
_COLD_START_FOR = 600.0


class Cloud(Protocol):
    """What `ModelCloud` does, for tests."""

    def live(self) -> tuple[str, float] | None:
        """The live slot, and since when."""

    def observe(self, slot: str, live_since: float, *, asked: bool) -> Observation:
        """What the policy wants to know."""

    def wake(self, slot: str, now: float) -> None:
        """Ask for a replica."""

    def sleep(self, slot: str) -> None:
        """Give up all replicas."""

    def route(self, slot: str | None) -> None:
        """Send requests to the slot, or to the waker."""

    def cold_start(self) -> float:
        """Seconds that a cold start takes."""

    def record(self, action: str, result: str) -> None:
        """Append to the audit log."""

    def forget(self) -> None:
        """Forget what was looked up: it may have been replaced."""


@dataclass
class ModelWaker:
    """The waker of one model; lives as long as the function is warm."""

    cloud: Cloud
    sleep_after: float
    now: Callable[[], float] = time.time
    _answered_at: float = float("-inf")
    _answer: int = 1
    _cold_start: float = DEFAULT_COLD_START
    _cold_start_at: float = field(default=float("-inf"))

    def request(self) -> int:
        """Answer a request: seconds after which to ask again."""
        if self.now() - self._answered_at >= _REQUESTS_APART:
            self._answer = self._safe_look(asked=True)
            self._answered_at = self.now()
        return self._answer

    def look(self) -> None:
        """Look after the model, without a request."""
        self._safe_look(asked=False)

    def _safe_look(self, *, asked: bool) -> int:
        try:
            return self._look(asked=asked)
        except Exception:  # noqa: BLE001 - the outermost frame: whoever asks gets an answer, other models a look
            _LOG.exception("this look failed, the next one begins anew")
            self.cloud.forget()
            return round(self._cold_start)

    def _look(self, *, asked: bool) -> int:
        live = self.cloud.live()
        if live is None:
            return round(self._cold_start)
        slot, since = live
        seen = self.cloud.observe(slot, since, asked=asked)
        now = self.now()
        actions = decide(seen, sleep_after=self.sleep_after, now=now)
        for action in actions:
            self._perform(action, slot, now)
        if Action.TO_WAKER in actions and Action.SLEEP not in actions:
            self.cloud.record("asleep", f"{slot} has no replica any more; requests go to the waker")
        if not asked:
            return 0
        return retry_after(seen, cold_start=self._usual_cold_start(), now=now)

    def _perform(self, action: Action, slot: str, now: float) -> None:
        match action:
            case Action.WAKE:
                self.cloud.wake(slot, now)
                self.cloud.record("woken", f"a request arrived; {slot} gets a replica")
            case Action.SLEEP:
                self.cloud.sleep(slot)
                self.cloud.record("asleep", f"no request for {self.sleep_after:.0f} s; {slot} has no replica")
            case Action.TO_SLOT:
                self.cloud.route(slot)
                self.cloud.record("awake", f"requests go to {slot}")
            case Action.TO_WAKER:
                self.cloud.route(None)

    def _usual_cold_start(self) -> float:
        if self.now() - self._cold_start_at >= _COLD_START_FOR:
            self._cold_start, self._cold_start_at = self.cloud.cold_start(), self.now()
        return self._cold_start


class Waker:
    """All models of the environment."""

    def __init__(self, config: WakerConfig, clients: Clients) -> None:
        self._by_target_group = {
            model.waker_target_group: (
                model.name,
                ModelWaker(ModelCloud(clients, config, model), model.sleep_after),
            )
            for model in config.models
        }

    def handle(self, event: Any) -> dict[str, Any] | None:
        """A load balancer's request, or anything else: then every model is looked after."""
        elb = event.get("requestContext", {}).get("elb")
        if elb is None:
            for _, waker in self._by_target_group.values():
                waker.look()
            return None
        name, waker = self._by_target_group[elb["targetGroupArn"].split("/")[1]]
        return answer(name, waker.request())


def answer(model: str, seconds: int) -> dict[str, Any]:
    """503 as a load balancer wants it from a function."""
    error = {
        "message": f"The model {model} is asleep and waking up; ask again in {seconds} s.",
        "type": "model_waking",
        "code": 503,
    }
    return {
        "statusCode": 503,
        "statusDescription": "503 Service Unavailable",
        "headers": {"Content-Type": "application/json", "Retry-After": str(seconds)},
        "body": json.dumps({"error": error}),
        "isBase64Encoded": False,
    }


_waker: list[Waker] = []


def handle(event: Any, context: object) -> dict[str, Any] | None:
    """Lambda's entry point."""
    if not _waker:
        _waker.append(Waker(WakerConfig.from_json(CONFIG.read_text()), connect()))
    return _waker[0].handle(event)
