"""Tags: what the inventory finds resources by, and what the agent learns about its own instance.

The provider puts the environment's tags on everything it can. Autoscaling groups and what they launch are
beyond its reach and get them from here.
"""

from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot


def environment_tags(environment: Environment) -> dict[str, str]:
    """Tags of everything in an environment: the file's own, and which environment it is."""
    return {**environment.tags, names.TAG_ENVIRONMENT: environment.environment}


def model_tags(model: str, slot: Slot | None = None, market: Market | None = None) -> dict[str, str]:
    """Tags of what belongs to a model, a slot, or one market in it; beside the environment's."""
    tags = {names.TAG_MODEL: model}
    if slot:
        tags[names.TAG_SLOT] = slot.value
    if market:
        tags[names.TAG_MARKET] = market.value
    return tags
