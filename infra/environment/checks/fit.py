"""The model fits the memory of every instance type that it may land on.

Worked example: 7 billion parameters x 2 bytes are 13.0 GiB; with 1 GiB of working memory that is 14.0 GiB. A
T4 has 16.0 GiB x 0.9 = 14.4 GiB: it fits, and has 0.4 GiB left for the cache of all sequences.
"""

from collections.abc import Iterator

from infra.engines.base import Engine
from infra.environment import weights
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.instances import InstanceType, catalogue
from infra.environment.model import Model
from infra.environment.problems import listed

_MEMORY_SHARE = 0.9  # of an instance's memory; the rest is the system's and the agent's


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, engine in subject.models:
        need = weights.demand(model, engine.vocabulary)
        if engine.known_args and need is not None:
            yield from _model(name, model, engine, need)


def _model(name: str, model: Model, engine: Engine, need: weights.Demand) -> Iterator[Finding]:
    known = catalogue()
    listed_types = [known[each] for each in model.instances.types if each in known]
    fitting = [each.name for each in listed_types if _spare(each, model, engine, need) >= 0]
    for index, type_ in enumerate(model.instances.types):
        if type_ in known and type_ not in fitting:
            yield Finding(
                place=("models", name, "instances", "types", index),
                what=f"{name} doesn't fit {type_}",
                why=_arithmetic(known[type_], model, engine, need),
                allowed=listed(fitting or _others(model, engine, need)),
                hint="if the weights' name misleads, state architecture.parameters and bytes_per_parameter"
                if need.inferred
                else "choose larger types, a quantised model or a shorter context",
            )
    yield from _batch(name, model, engine, need, [each for each in listed_types if each.name in fitting])


def _batch(
    name: str, model: Model, engine: Engine, need: weights.Demand, types: list[InstanceType]
) -> Iterator[Finding]:
    wanted = model.batching.max_sequences
    if not wanted or not need.sequence or not types or engine.vocabulary.context_is_shared:
        return
    room = min(1 + int(_spare(each, model, engine, need) / need.sequence) for each in types)
    if room < wanted:
        yield Finding(
            place=("models", name, "batching", "max_sequences"),
            what=f"{wanted} sequences of full length don't fit together",
            why=f"the memory left holds {room}, each {need.sequence:.2f} GiB; the others wait",
            hint="fine when most are shorter; else lower the context or max_sequences",
            severity="advice",
        )


def _others(model: Model, engine: Engine, need: weights.Demand) -> list[str]:
    """Types that would do, those with the fewest GPUs first."""
    fitting = [each for each in catalogue().values() if each.gpu and _spare(each, model, engine, need) >= 0]
    return [each.name for each in sorted(fitting, key=lambda each: (_used(each, model, engine), each.vcpus))][
        :5
    ]


def _spare(type_: InstanceType, model: Model, engine: Engine, need: weights.Demand) -> float:
    return _capacity(type_, model, engine) - need.weights - need.sequence - _working(type_, model, engine)


def _capacity(type_: InstanceType, model: Model, engine: Engine) -> float:
    memory = type_.memory_gib * _MEMORY_SHARE
    if type_.gpu is None:
        return memory
    used = _used(type_, model, engine)
    on_gpu = used * type_.gpu.memory_mib / 1024 * _share(model, engine)
    offloaded = (weights.number(model, ("cpu-offload-gb",)) or 0) * used
    return on_gpu + min(memory, memory if engine.vocabulary.loads_single_file else offloaded)


def _working(type_: InstanceType, model: Model, engine: Engine) -> float:
    return weights.WORKING_MEMORY * _used(type_, model, engine) if type_.gpu else 0.0


def _used(type_: InstanceType, model: Model, engine: Engine) -> int:
    """GPUs that share one copy of the weights."""
    if type_.gpu is None:
        return 0
    chosen = weights.number(model, engine.vocabulary.tensor_parallel)
    stages = weights.number(model, ("pipeline-parallel-size", "pp-size")) or 1
    return max(1, min(type_.gpu.count, int((chosen or type_.gpu.count) * stages)))


def _share(model: Model, engine: Engine) -> float:
    return weights.number(model, engine.vocabulary.memory_share) or engine.vocabulary.default_memory_share


def _arithmetic(type_: InstanceType, model: Model, engine: Engine, need: weights.Demand) -> str:
    working = _working(type_, model, engine)
    parts = [
        f"weights {need.weights:.1f} GiB ({need.parameters / 1e9:g}e9 x {need.bytes_per_parameter:g} bytes)"
    ]
    if need.sequence:
        parts.append(f"one sequence's cache {need.sequence:.1f} GiB")
    if working:
        parts.append(f"working memory {working:.1f} GiB")
    total = need.weights + need.sequence + working
    return f"{' + '.join(parts)} = {total:.1f} GiB, and it has {_offer(type_, model, engine)}"


def _offer(type_: InstanceType, model: Model, engine: Engine) -> str:
    capacity = _capacity(type_, model, engine)
    if type_.gpu is None or engine.vocabulary.loads_single_file:
        return f"{capacity:.1f} GiB of memory"
    used = _used(type_, model, engine)
    each = type_.gpu.memory_mib / 1024
    return f"{used} x {each:.1f} GiB ({type_.gpu.name}) x {_share(model, engine):g} = {capacity:.1f} GiB"


RULE = Rule(id="fit", summary="The model fits the memory of every listed instance type.", check=_check)
