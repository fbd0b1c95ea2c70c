"""Which metrics of the catalogue a model's replicas can tell: the readings decide, and whether it is timed.

A figure or an alarm over a metric that nobody publishes would be an empty chart or an alarm that never fires.
"""

from infra.agent import catalogue
from infra.agent.config import Launch

_AGENTS_OWN = frozenset(
    metric.name
    for metric in (
        catalogue.HEARTBEAT,
        catalogue.SCRAPE_FAILURES,
        catalogue.ENGINE_FAILURES,
        catalogue.SPOT_NOTICES,
        catalogue.AGE,
        catalogue.COLD_START,
        catalogue.COLD_START_BOOT,
        catalogue.COLD_START_FETCH,
        catalogue.COLD_START_LOAD,
    )
)
"""What an agent knows without asking the engine."""


def measured(launch: Launch) -> frozenset[str]:
    """Names of the catalogue's metrics that replicas started so will publish."""
    read = frozenset(reading.metric for reading in launch.readings)
    if launch.timed:
        read |= catalogue.TIMED
    found = _AGENTS_OWN | read
    if catalogue.IN_FLIGHT.name in read and launch.max_sequences:
        found |= {catalogue.BATCH.name}
    if launch.gpus:
        found |= {catalogue.GPU.name, catalogue.GPU_MEMORY.name}
    if read & {catalogue.FIRST_TOKEN.name, catalogue.GENERATED_TOKENS.name}:
        found |= {catalogue.COLD_START_FIRST_TOKEN.name}
    return found
