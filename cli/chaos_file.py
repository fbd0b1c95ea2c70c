"""A team's own chaos suite, from a YAML file to the suite that `infra.chaos` runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from infra.chaos.types import Break, Budget, Faults, Injection, Market, Step, Suite, Take, Who
from infra.embedded.troubles import Trouble
from infra.environment.base import Duration, Spec, seconds
from infra.environment.problems import InvalidEnvironment

if TYPE_CHECKING:
    from infra.environment.document import Document, Place

Share = Annotated[float, Meta(ge=0, le=1)]


class _Take(Spec, frozen=True, tag_field="do", tag="take"):
    at: Duration
    who: Who
    notice: Duration = "0s"


class _Break(Spec, frozen=True, tag_field="do", tag="break", rename={"lasts": "for"}):
    at: Duration
    who: Who
    what: Trouble
    lasts: Duration = "0s"
    by: float = 0.0


class _Market(Spec, frozen=True, tag_field="do", tag="market", rename={"lasts": "for"}):
    at: Duration
    lasts: Duration
    flap: Duration | None = None
    trace: str | None = None
    speed: Annotated[float, Meta(ge=1)] = 1.0


class _Faults(Spec, frozen=True, tag_field="do", tag="faults", rename={"lasts": "for"}):
    at: Duration
    lasts: Duration
    throttle: Share = 0.0
    errors: Share = 0.0
    lost: Share = 0.0
    latency: Duration = "0s"
    stale: Duration = "0s"
    propagation: Duration = "0s"


_Injected = _Take | _Break | _Market | _Faults


class _Budget(Spec, frozen=True):
    failed: Share | None = None
    truncated: Annotated[int, Meta(ge=0)] | None = None
    availability: Share | None = None
    recovery: Duration | None = None


class _Head(Spec, frozen=True):
    name: str
    lasts: Duration
    steps: Annotated[list[Mapping[str, Any]], Meta(min_length=1)]
    budget: _Budget
    summary: str = ""


def is_file(name: str) -> bool:
    """Whether a suite's name is a file's."""
    return name.endswith((".yaml", ".yml"))


def read(path: Path) -> Suite:
    """The suite of a file. Raises `InvalidEnvironment` with file, line and reason for what can't be one."""
    try:
        return _read(path)
    except InvalidEnvironment as error:
        raise InvalidEnvironment(path, error.problems, hint="the format is in docs/chaos.md") from error


def _read(path: Path) -> Suite:
    from infra.environment import document as documents

    document = documents.read(path)
    if document.problems:
        raise InvalidEnvironment(path, document.problems)
    head = _typed(document, (), document.data, _Head)
    lasts = float(seconds(head.lasts))
    steps = tuple(_step(document, ("steps", number), each, lasts) for number, each in enumerate(head.steps))
    budget = head.budget
    return Suite(
        name=head.name,
        summary=head.summary,
        seconds=lasts,
        steps=steps,
        budget=Budget(
            failed=budget.failed,
            truncated=budget.truncated,
            availability=budget.availability,
            recovery=float(seconds(budget.recovery)) if budget.recovery else None,
        ),
    )


def _step(document: "Document", place: "Place", data: Mapping[str, Any], lasts: float) -> Step:
    said: Any = _typed(document, place, data, _Injected)
    step = Step(at=float(seconds(said.at)), do=_injection(document, place, said))
    if step.over >= lasts:
        problem = document.problem(
            place, f"it is over at {step.over:g} s, and the suite at {lasts:g} s", hint="a longer `lasts`"
        )
        raise InvalidEnvironment(document.path, [problem])
    return step


def _injection(document: "Document", place: "Place", said: _Injected) -> Injection:
    match said:
        case _Take():
            return Take(who=said.who, notice=float(seconds(said.notice)))
        case _Break():
            if said.what.lasts and not seconds(said.lasts):
                raise _refused(document, place, f"{said.what} needs `for`: how long it lasts")
            return Break(who=said.who, what=said.what, seconds=float(seconds(said.lasts)), by=said.by)
        case _Market():
            if said.flap and said.trace:
                raise _refused(document, place, "`flap` and `trace` exclude each other")
            flap = float(seconds(said.flap)) if said.flap else None
            trace = _trace(document.path.parent / said.trace, said.speed) if said.trace else ()
            return Market(seconds=float(seconds(said.lasts)), flap=flap, trace=trace)
        case _Faults():
            shares = {name: getattr(said, name) for name in ("throttle", "errors", "lost")}
            times = {
                name: float(seconds(getattr(said, name))) for name in ("latency", "stale", "propagation")
            }
            faults = {name: value for name, value in (shares | times).items() if value}
            return Faults(seconds=float(seconds(said.lasts)), faults=faults)


def _trace(path: Path, speed: float) -> tuple[tuple[float, tuple[int, ...]], ...]:
    from infra.simulate.traces import read_trace

    return tuple((at / speed, counts) for at, counts in read_trace(path).changes())


def _typed(document: "Document", place: "Place", data: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        inside = tuple(part for part in path.rstrip("`").strip(".").split(".") if part and "[" not in part)
        raise _refused(document, (*place, *inside), what) from error


def _refused(document: "Document", place: "Place", what: str) -> InvalidEnvironment:
    return InvalidEnvironment(document.path, [document.problem(place, what)])
