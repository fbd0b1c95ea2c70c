"""A dashboard tells whose it is, since it can't be tagged."""

import json

from infra.observability.cloudwatch_dashboard import (
    environment_dashboard,
    environment_of,
    model_dashboard,
)
from tests.fakes.environments import two_models
from tests.fakes.metrics import SOURCES


def test_dashboards_tell_their_environment() -> None:
    """The environment's own and those of its models; anybody else's tells nothing."""
    environment = two_models("rooms-with")
    whole = environment_dashboard(environment, {"chat": SOURCES})
    single = model_dashboard(environment, "chat", SOURCES)
    assert {environment_of(json.dumps(each)) for each in (whole, single)} == {"rooms-with"}
    for other in ("", "[]", "{}", '{"widgets": [{"properties": {}}]}', '{"widgets": []}'):
        assert environment_of(other) == ""
