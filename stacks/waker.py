"""Which models of an environment may sleep, in the words of the waker."""

from infra.environment import names
from infra.environment.base import seconds
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.waker.config import SleepingModel, WakerConfig


def waker_config(environment: Environment) -> WakerConfig | None:
    """What the waker is told; None when no model may sleep."""
    name = environment.environment
    models = tuple(
        SleepingModel(
            name=model,
            sleep_after=seconds(spec.replicas.sleep_after),
            waker_target_group=names.waker_target_group(name, model),
            target_groups={slot.value: names.target_group(name, model, slot) for slot in Slot},
            groups={
                slot.value: tuple(names.group(name, model, slot, market) for market in Market)
                for slot in Slot
            },
        )
        for model, spec in environment.models.items()
        if spec.replicas.sleep_after
    )
    if not models:
        return None
    return WakerConfig(
        environment=name,
        balancer=names.balancer(name),
        runtime_table=names.runtime_table(name),
        models=models,
    )
