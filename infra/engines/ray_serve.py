"""Ray Serve: an image whose command runs a Serve application.

Serve reads where to listen from its own variables. Its metrics are on a port of their own, which Ray takes
only from its command: start Ray with `--metrics-export-port=$METRICS_PORT`. Without that the agent sees
neither figures nor when the engine is drained, and gives it the whole deregistration delay.
"""

from infra.engines.common import KEEP_ALIVE_SECONDS
from infra.engines.custom import RESERVED, CustomImage
from infra.engines.readings.ray_serve import READINGS

_METRICS_PORT = 8080

ENGINE = CustomImage(
    name="ray-serve",
    needs_gpu=False,
    vocabulary=RESERVED,
    environment=(
        ("RAY_SERVE_DEFAULT_HTTP_HOST", "0.0.0.0"),  # noqa: S104 - in a container
        ("RAY_SERVE_HTTP_KEEP_ALIVE_TIMEOUT_S", str(KEEP_ALIVE_SECONDS)),
        ("METRICS_PORT", str(_METRICS_PORT)),
    ),
    port_variable="RAY_SERVE_DEFAULT_HTTP_PORT",
    health_path="/-/healthz",
    readings=READINGS,
    metrics_port=_METRICS_PORT,
)
