"""BentoML: a Bento built into an image with `bentoml containerize`.

Its entrypoint reads `PORT`; `/readyz` answers once the services run. It drains by itself when it is stopped,
and its gauge of running requests is named after the service's namespace, which is the default one here.
"""

from infra.engines.custom import RESERVED, CustomImage
from infra.engines.readings.bentoml import READINGS

ENGINE = CustomImage(
    name="bentoml",
    needs_gpu=False,
    vocabulary=RESERVED,
    environment=(("BENTOML_HOST", "0.0.0.0"),),  # noqa: S104 - in a container
    health_path="/readyz",
    in_flight_metrics=("bentoml_service_request_in_progress",),
    readings=READINGS,
)
