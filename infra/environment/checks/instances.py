"""Instance types are known, alike in GPUs, and have GPUs where the engine needs them."""

from collections.abc import Iterator

from infra.engines.base import Engine
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.instances import catalogue
from infra.environment.model import Model
from infra.environment.problems import did_you_mean, listed


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, engine in subject.models:
        yield from _types(name, model, engine)
        yield from _alike(name, model)


def _types(name: str, model: Model, engine: Engine) -> Iterator[Finding]:
    known = catalogue()
    for index, type_ in enumerate(model.instances.types):
        place = ("models", name, "instances", "types", index)
        if type_ not in known:
            family = type_.partition(".")[0]
            sizes = [each for each in known if each.startswith(f"{family}.")]
            yield Finding(
                place=place,
                what=f"{type_} isn't an instance type that llmctl knows",
                allowed=listed(sizes) if sizes else f"types of {listed(_families(), limit=40)}",
                hint=did_you_mean(type_, sizes or known),
            )
        elif engine.needs_gpu and known[type_].gpu is None:
            yield Finding(
                place=place,
                what=f"{type_} has no GPU",
                why=f"{engine.name} needs one",
                allowed=f"types of {listed(_families(gpu=True), limit=40)}",
            )
        elif type_ in model.instances.types[:index]:
            yield Finding(place=place, what=f"{type_} is listed twice", hint="remove one of the two")


def _alike(name: str, model: Model) -> Iterator[Finding]:
    known = catalogue()
    counts: dict[int, str] = {}
    for type_ in model.instances.types:
        if type_ in known:
            gpu = known[type_].gpu
            counts.setdefault(gpu.count if gpu else 0, type_)
    if len(counts) > 1:
        found = ", ".join(f"{type_} has {count}" for count, type_ in counts.items())
        yield Finding(
            place=("models", name, "instances", "types"),
            what=f"the types differ in their number of GPUs: {found}",
            why="every replica is started with the same arguments",
            hint="list types with the same number",
        )


def _families(*, gpu: bool = False) -> list[str]:
    found = {each.name.partition(".")[0] for each in catalogue().values() if each.gpu or not gpu}
    return sorted(found)


RULE = Rule(
    id="instances",
    summary="Instance types are known, have the same number of GPUs, and have any if the engine needs them.",
    check=_check,
)
