"""Every alarm fires in its time and not a minute earlier, tells who is to be told, and is over in time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.observability.alarms import alarms, composites, environment_alarms
from infra.observability.types import Alarm, Sources
from tests.functional.observability.minutes import NOBODY, Half, Life, minutes

_ANYWHERE = Sources(
    balancer="balancer",
    target_groups=dict.fromkeys(Slot, "targets"),
    groups={(slot, market): "group" for slot in Slot for market in Market},
)
_SILENT = {"requests": 0}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Minutes of trouble, and when an alarm is to fire and to be over."""

    kind: str
    name: str
    minute: dict[str, Any]
    fires: int
    """In which minute of the trouble."""
    clears: int
    """In which minute after the trouble, which ends as soon as the alarm fires."""
    tells: tuple[str, ...]
    """Alarms that send a message when they fire, and another when they are over."""
    also: frozenset[str] = frozenset()
    """What else fires, and tells nobody."""
    model: str = "chat"
    healthy: dict[str, Any] = field(default_factory=dict)
    """What the minutes before and after are like."""


def _slow(kind: str, name: str, fires: int, clears: int, **minute: Any) -> Iterator[Trouble]:
    """Slowness is told by the composite; for both there is a scenario."""
    for firing in (kind, "slow"):
        also = frozenset({kind, "slow"} - {firing})
        yield Trouble(
            kind=firing, name=name, minute=minute, fires=fires, clears=clears, tells=("slow",), also=also
        )


def _outage(kind: str, name: str, fires: int, clears: int, **more: Any) -> Iterator[Trouble]:
    """The same for outages."""
    changes: dict[str, Any] = {"also": frozenset(), "tells": ("outage",), **more}
    also = changes.pop("also")
    for firing in (kind, "outage"):
        yield Trouble(
            kind=firing,
            name=name,
            fires=fires,
            clears=clears,
            also=also | ({kind, "outage"} - {firing}),
            **changes,
        )


TROUBLES = [
    *_outage("no-healthy-replica", "all fail their checks", 3, 1, minute={"healthy": 0, **_SILENT}),
    *_outage("no-healthy-replica", "all are gone", 3, 1, minute={"in_service": 0, **_SILENT}),
    *_outage(
        "no-healthy-replica",
        "the only replica is replaced",
        3,
        1,
        healthy={"wanted": 1},
        minute={"wanted": 1, "in_service": 0, **_SILENT},
    ),
    *_outage(
        "no-healthy-replica",
        "a sleeper does not wake up",
        20,
        1,
        model="night",
        healthy={"blue": NOBODY},
        minute={"blue": Half(wanted=1, in_service=0)},
        also=frozenset({"capacity-short"}),
        tells=("outage", "capacity-short"),
    ),
    *_outage("errors", "a little too many fail", 5, 1, minute={"failed": 6}),
    *_outage("errors", "all fail", 1, 5, minute={"failed": 100}),
    *_outage("errors", "replicas can't be reached", 1, 5, minute={"unreachable": 100}),
    *_outage("errors", "three of three fail", 3, 3, healthy=_SILENT, minute={"requests": 1, "failed": 1}),
    *_slow("latency", "one of ten is slow", 3, 3, slow=10),
    *_slow("ttft", "one of ten begins late", 3, 3, late=10),
    *_slow("queue", "requests wait", 5, 1, queued=9),
    Trouble(
        kind="capacity-short",
        name="one of three does not come",
        minute={"wanted": 3, "in_service": 2},
        fires=20,
        clears=1,
        tells=("capacity-short",),
    ),
    Trouble(
        kind="spot-notices",
        name="one a minute",
        minute={"notices": 1},
        fires=3,
        clears=13,
        tells=("spot-notices",),
    ),
    Trouble(
        kind="spot-notices",
        name="all at once",
        minute={"notices": 3},
        fires=1,
        clears=15,
        tells=("spot-notices",),
    ),
    Trouble(
        kind="agent-silent",
        name="one of two",
        minute={"heard": 1},
        fires=3,
        clears=1,
        tells=("agent-silent",),
    ),
    Trouble(
        kind="agent-silent",
        name="all",
        minute={"heard": 0},
        fires=3,
        clears=1,
        tells=("agent-silent",),
    ),
    Trouble(
        kind="metrics-missing",
        name="one page",
        minute={"unread": 1},
        fires=3,
        clears=1,
        tells=("metrics-missing",),
    ),
    Trouble(
        kind="engine-failing",
        name="an engine is killed",
        minute={"ended": 1},
        fires=1,
        clears=5,
        tells=("engine-failing",),
    ),
    Trouble(
        kind="balancer-errors",
        name="a little too many",
        minute={"bad_gateway": 6},
        fires=5,
        clears=1,
        tells=("balancer-errors",),
    ),
    Trouble(
        kind="budget",
        name="two on demand are added",
        minute={"on_demand": 2},
        fires=60,
        clears=1,
        tells=("budget",),
    ),
]


def _id(trouble: Trouble) -> str:
    return f"{trouble.kind}: {trouble.name}"


@pytest.mark.parametrize("trouble", TROUBLES, ids=_id)
def test_fires_in_time_and_not_earlier(life: Life, trouble: Trouble) -> None:
    """It fires in the very minute in which it should, nothing but what belongs to it fires, and it ends."""
    life.play(minutes(10, **trouble.healthy), model=trouble.model)
    before = life.play(minutes(trouble.fires, **trouble.minute), model=trouble.model)
    after = life.play(minutes(trouble.clears + 5, **trouble.healthy), model=trouble.model)
    assert before.first(trouble.kind) == trouble.fires
    assert before.ever == {trouble.kind, *trouble.also}
    cleared = next(at for at, now in enumerate(after.firing, 1) if trouble.kind not in now)
    assert cleared == trouble.clears
    assert not after.firing[-1]


@pytest.mark.parametrize("trouble", TROUBLES, ids=_id)
def test_tells_once_that_it_began_and_once_that_it_is_over(life: Life, trouble: Trouble) -> None:
    """Somebody gets one message for the trouble and one for its end; causes that feed another tell nobody."""
    life.play(minutes(10, **trouble.healthy), model=trouble.model)
    before = life.play(minutes(trouble.fires, **trouble.minute), model=trouble.model)
    after = life.play(minutes(trouble.clears + 5, **trouble.healthy), model=trouble.model)
    both = before.told + after.told
    assert sorted(both) == sorted(f"{state} {kind}" for state in ("ALARM", "OK") for kind in trouble.tells)


@pytest.mark.parametrize("trouble", TROUBLES, ids=_id)
def test_times_are_those_promised(everything: Environment, trouble: Trouble) -> None:
    """What the documentation promises, the minutes that figures take to arrive included, is kept."""
    promised = _definitions(everything)[trouble.kind, trouble.model]
    assert trouble.fires * 60 <= max(alarm.fires_within for alarm in promised)
    assert trouble.clears * 60 <= max(alarm.clears_within for alarm in promised)


def _definitions(spec: Environment) -> dict[tuple[str, str], list[Alarm]]:
    """Metric alarms by kind and model; a composite's are those that it watches."""
    found: dict[tuple[str, str], list[Alarm]] = {}
    for model in spec.models:
        own = alarms(spec, model, _ANYWHERE)
        shared = environment_alarms(spec, dict.fromkeys(spec.models, _ANYWHERE))
        found |= {(alarm.kind, model): [alarm] for alarm in (*own, *shared)}
        for composite in composites(spec, model, _ANYWHERE):
            found[composite.kind, model] = [alarm for alarm in own if alarm.kind in composite.any_of]
    return found
