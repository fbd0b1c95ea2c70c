"""Ray Serve: an image whose command runs a Serve application.

Serve reads where to listen from its own variables. Its metrics are on a port of their own, so that the agent
can't see when it is drained and gives it the whole deregistration delay.
"""

from infra.agent.config import ENGINE_PORT
from infra.engines.common import KEEP_ALIVE_SECONDS
from infra.engines.custom import RESERVED, CustomImage

ENGINE = CustomImage(
    name="ray-serve",
    needs_gpu=False,
    vocabulary=RESERVED,
    environment=(
        ("RAY_SERVE_DEFAULT_HTTP_HOST", "0.0.0.0"),  # noqa: S104 - in a container
        ("RAY_SERVE_DEFAULT_HTTP_PORT", str(ENGINE_PORT)),
        ("RAY_SERVE_HTTP_KEEP_ALIVE_TIMEOUT_S", str(KEEP_ALIVE_SECONDS)),
    ),
    health_path="/-/healthz",
)
