"""The second half of a deploy: what Terraform leaves to the runtime."""

from collections.abc import Callable, Sequence

from infra.deploy.motion import Step, carry_out
from infra.deploy.ports import ApiKey, Fleet, Runtime

Tell = Callable[[str], None]


def settle(
    environment: str,
    steps: Sequence[Step],
    fleet: Fleet,
    runtime: Runtime,
    api_key: ApiKey | None,
    tell: Tell,
) -> None:
    """Create the key that engines will ask for, then carry out each step, telling what is done.

    The key comes first: an engine that boots without it would not start. `api_key` is None for an endpoint
    that asks for none.
    """
    if api_key is not None and api_key.ensure():
        runtime.record("CreateApiKey", environment, "done")
        tell("created the endpoint's API key")
    for step in steps:
        carry_out(step, fleet, runtime)
        tell(str(step))
