"""The model fits the memory of every instance type that it may land on.

Worked example: 7 billion parameters x 2 bytes are 13.0 GiB; with 1 GiB of working memory that is 14.0 GiB. An
A10G has 22.2 GiB x 0.9 = 20.0 GiB: it fits, and has 6 GiB left for the cache of all sequences. docs/fit.md
has more of them.
"""

from collections.abc import Iterator

from infra.engines.base import Engine
from infra.environment import weights
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.instances import InstanceType, catalogue
from infra.environment.memory import Room, room
from infra.environment.model import Model
from infra.environment.problems import listed


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, engine in subject.models:
        need = weights.demand(model, engine.vocabulary)
        if engine.known_args and need is not None:
            yield from _model(name, model, engine, need)


def _model(name: str, model: Model, engine: Engine, need: weights.Demand) -> Iterator[Finding]:
    known = catalogue()
    rooms = {
        each: found for each in model.instances.types if each in known and (found := room(known[each], model))
    }
    fitting = [each for each, found in rooms.items() if found.spare >= 0]
    for index, type_ in enumerate(model.instances.types):
        if type_ in rooms and type_ not in fitting:
            yield Finding(
                place=("models", name, "instances", "types", index),
                what=f"{name} doesn't fit {type_}",
                why=_arithmetic(known[type_], engine, rooms[type_]),
                allowed=listed(fitting or _others(model)),
                hint="if the weights' name misleads, state architecture.parameters and bytes_per_parameter"
                if need.inferred
                else "choose larger types, a quantised model or a shorter context",
            )
    yield from _batch(name, model, [rooms[each] for each in fitting])


def _batch(name: str, model: Model, rooms: list[Room]) -> Iterator[Finding]:
    wanted = model.batching.max_sequences
    if not wanted or not rooms or not rooms[0].another:
        return
    together = min(1 + int(each.spare / each.another) for each in rooms)
    if together < wanted:
        yield Finding(
            place=("models", name, "batching", "max_sequences"),
            what=f"{wanted} sequences of full length don't fit together",
            why=f"the memory left holds {together}, each {rooms[0].another:.2f} GiB; the others wait",
            hint="fine when most are shorter; else lower the context or max_sequences",
            severity="advice",
        )


def _others(model: Model) -> list[str]:
    """Types that would do, those with the fewest GPUs first."""
    fitting = [
        (found.gpus, each.vcpus, each.name)
        for each in catalogue().values()
        if each.gpu and (found := room(each, model)) and found.spare >= 0
    ]
    return [name for _, _, name in sorted(fitting, key=lambda each: each[:2])][:5]


def _arithmetic(type_: InstanceType, engine: Engine, found: Room) -> str:
    need = found.demand
    parts = [
        f"weights {need.weights:.1f} GiB ({need.parameters / 1e9:g}e9 x {need.bytes_per_parameter:g} bytes)"
    ]
    if need.sequence:
        parts.append(f"one sequence's cache {need.sequence:.1f} GiB")
    if need.activations:
        parts.append(f"activations {need.activations:.1f} GiB")
    if found.working:
        parts.append(f"working memory {found.working:.1f} GiB")
    return f"{' + '.join(parts)} = {found.total:.1f} GiB, and it has {_offer(type_, engine, found)}"


def _offer(type_: InstanceType, engine: Engine, found: Room) -> str:
    if type_.gpu is None or engine.vocabulary.loads_single_file:
        return f"{found.capacity:.1f} GiB of memory"
    return (
        f"{found.gpus} x {found.each:.1f} GiB ({type_.gpu.name}) x {found.share:g} = {found.capacity:.1f} GiB"
    )


RULE = Rule(id="fit", summary="The model fits the memory of every listed instance type.", check=_check)
