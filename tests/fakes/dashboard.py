"""A `Source` of the local page: everything in plain sight, calls counted, and it can be out of reach."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.dashboard.types import AlarmPhase, AlarmState, Chart, Charts, Curve
from infra.deploy.types import EnvironmentState, ModelState, Phase, Replica, SlotState
from infra.environment.slots import Market, Slot
from infra.errors import LlmctlError
from infra.observability.types import Unit


def replica(number: int, phase: Phase = Phase.HEALTHY, **changes: Any) -> Replica:
    """A replica on the spot market, an hour old."""
    facts: dict[str, Any] = {
        "id": f"i-{number:017x}",
        "phase": phase,
        "detail": "",
        "slot": Slot.BLUE,
        "market": Market.SPOT,
        "release": 3,
        "type": "g5.2xlarge",
        "zone": f"us-east-1{'abc'[number % 3]}",
        "launched": datetime.now(UTC) - timedelta(hours=1),
    }
    return Replica(**facts | changes)


def model_state(name: str, *slots: SlotState) -> ModelState:
    """A model that is live in blue, release 3."""
    return ModelState(
        name=name,
        live=Slot.BLUE,
        release=3,
        latest_release=slots[-1].release,
        url=f"http://127.0.0.1:8080/{name}/v1",
        slots=slots,
    )


def slot_state(slot: Slot, weight: int, *replicas: Replica, release: int = 3, wanted: int = 0) -> SlotState:
    """A slot."""
    return SlotState(slot=slot, weight=weight, release=release, wanted=wanted, replicas=replicas)


def environment_state() -> EnvironmentState:
    """`chat` in the middle of a rollout, `french` in peace."""
    blue = [*(replica(number) for number in range(3)), replica(3, market=Market.ON_DEMAND)]
    green: dict[str, Any] = {"slot": Slot.GREEN, "release": 4}
    french = (slot_state(Slot.BLUE, 100, replica(6), wanted=1), slot_state(Slot.GREEN, 0))
    return EnvironmentState(
        environment="staging",
        endpoint="http://127.0.0.1:8080",
        models=(
            model_state(
                "chat",
                slot_state(Slot.BLUE, 75, *blue, wanted=4),
                slot_state(
                    Slot.GREEN,
                    25,
                    replica(4, **green),
                    replica(5, Phase.LOADING, detail="weights 40 %", **green),
                    release=4,
                    wanted=2,
                ),
            ),
            model_state("french", *french),
        ),
    )


def alarm(
    kind: str, phase: AlarmPhase = AlarmPhase.OK, model: str | None = "chat", **changes: Any
) -> AlarmState:
    """An alarm that has been so for ten minutes."""
    facts: dict[str, Any] = {
        "name": f"llmctl-staging-{model}-{kind}",
        "model": model,
        "kind": kind,
        "phase": phase,
        "since": datetime.now(UTC) - timedelta(minutes=10),
        "reason": "Threshold Crossed: 1 datapoint [12.0] was greater than the threshold (10.0).",
        "meaning": "95 % of requests should get their first token sooner.",
        "notifies": True,
    }
    return AlarmState(**facts | changes)


def event(action: str, target: str, result: str = "done") -> dict[str, str]:
    """An entry of the audit log."""
    return {
        "time": datetime.now(UTC).isoformat(),
        "actor": "ada@laptop",
        "action": action,
        "target": target,
        "result": result,
    }


@dataclass
class FakeSource:
    """Answers what it is told, or raises `failure`."""

    environment: EnvironmentState = field(default_factory=environment_state)
    alarm_states: list[AlarmState] = field(
        default_factory=lambda: [
            alarm("ttft", AlarmPhase.ALARM),
            alarm("errors"),
            alarm("queue", AlarmPhase.NO_DATA),
            alarm("budget", model=None),
        ]
    )
    log: list[dict[str, str]] = field(default_factory=lambda: [event("Resize", "staging-chat-blue-spot")])
    load: float = 12.0
    """Requests per second in the charts; 0: no datapoints at all."""
    failure: LlmctlError | None = None
    calls: Counter[str] = field(default_factory=Counter)

    def state(self) -> EnvironmentState:
        """What it is told."""
        self._call("state")
        return self.environment

    def alarms(self) -> Sequence[AlarmState]:
        """What it is told."""
        self._call("alarms")
        return self.alarm_states

    def events(self) -> Sequence[Any]:
        """What it is told."""
        self._call("events")
        return self.log

    def charts(self, model: str, seconds: int) -> Charts:
        """Waves."""
        self._call(f"charts {model} {seconds}")
        period = max(10, seconds // 60)
        end = int(datetime.now(UTC).timestamp()) // period * period
        times = tuple(range(end - seconds, end, period))
        return Charts(model=model, period_seconds=period, times=times, charts=self._figures(times))

    def _figures(self, times: tuple[int, ...]) -> tuple[Chart, ...]:
        def wave(label: str, height: float) -> Curve:
            values = (height * (1 + 0.3 * math.sin(time / 400)) if self.load else None for time in times)
            return Curve(label=label, values=tuple(values))

        load = self.load
        percentiles = [wave(name, height) for name, height in (("p50", 0.4), ("p95", 0.9), ("p99", 1.4))]
        return (
            _chart("requests", "Requests", Unit.PER_SECOND, wave("all", load), wave("blue", load * 0.75)),
            _chart("error_rate", "Errors", Unit.PERCENT, wave("errors", 0.2)),
            _chart("latency", "Latency", Unit.SECONDS, *percentiles),
            _chart("tokens", "Tokens", Unit.PER_SECOND, wave("prompt", 2400.0), wave("generated", 890.0)),
            _chart("gpu", "GPU", Unit.PERCENT, Curve(label="use", values=(None,) * len(times))),
            _chart("cost", "Cost an hour", Unit.DOLLARS, wave("cost", 3.1)),
        )

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        if self.failure:
            raise self.failure


def _chart(id_: str, title: str, unit: Unit, *curves: Curve) -> Chart:
    return Chart(id=id_, title=title, unit=unit, curves=curves)
