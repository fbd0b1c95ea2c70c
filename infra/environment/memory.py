"""Whether a model fits the memory of an instance type, with every number that the verdict is made of.

Pure: the check refuses by it and the plan's risks warn by it, so that they can't disagree. docs/fit.md
explains it, and holds it against published cases.
"""

from dataclasses import dataclass

from infra.engines.base import Engine
from infra.engines.registry import engine as engine_of
from infra.environment import weights
from infra.environment.instances import InstanceType
from infra.environment.model import Model

_MEMORY_SHARE = 0.9  # of an instance's memory; the rest is the system's and the agent's


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a model needs on one instance and what that offers; in GiB, over all GPUs that are used."""

    demand: weights.Demand
    working: float
    """Of CUDA and the engine itself; activations are the demand's."""
    capacity: float
    gpus: int
    """That share one copy of the weights; 0 on processors."""
    each: float
    """Usable memory of one GPU; 0 on processors."""
    another: float
    """What one more sequence of full length takes; 0 where all share one budget, or it isn't known."""
    share: float
    """Of a GPU's memory that the engine may use."""

    @property
    def total(self) -> float:
        """All that is needed for one sequence of the longest length."""
        return self.demand.total + self.working

    @property
    def spare(self) -> float:
        """What is left for further sequences; below zero, the model doesn't fit."""
        return self.capacity - self.total


def room(type_: InstanceType, model: Model) -> Room | None:
    """The arithmetic of a model on an instance type; None where nothing tells what it needs.

    That is a model of unknown size, or an engine whose arguments aren't known: an image of one's own.
    """
    engine = engine_of(model.engine.name)
    need = weights.demand(model, engine.vocabulary)
    if need is None or not engine.known_args:
        return None
    used = _used(type_, model, engine)
    return Room(
        demand=need,
        working=weights.WORKING_MEMORY * used,
        capacity=_capacity(type_, model, engine),
        gpus=used,
        each=type_.gpu.usable_gib if type_.gpu else 0.0,
        another=0.0 if engine.vocabulary.context_is_shared else need.sequence,
        share=_share(model, engine),
    )


def _capacity(type_: InstanceType, model: Model, engine: Engine) -> float:
    memory = type_.memory_gib * _MEMORY_SHARE
    if type_.gpu is None:
        return memory
    used = _used(type_, model, engine)
    on_gpu = used * type_.gpu.usable_gib * _share(model, engine)
    offloaded = (weights.number(model, ("cpu-offload-gb",)) or 0) * used
    return on_gpu + min(memory, memory if engine.vocabulary.loads_single_file else offloaded)


def _used(type_: InstanceType, model: Model, engine: Engine) -> int:
    """GPUs that share one copy of the weights."""
    if type_.gpu is None:
        return 0
    chosen = weights.number(model, engine.vocabulary.tensor_parallel)
    stages = weights.number(model, ("pipeline-parallel-size", "pp-size")) or 1
    return max(1, min(type_.gpu.count, int((chosen or type_.gpu.count) * stages)))


def _share(model: Model, engine: Engine) -> float:
    return weights.number(model, engine.vocabulary.memory_share) or engine.vocabulary.default_memory_share
