"""What the engines that run your own image share: the settings arrive as environment variables.

An image of yours knows nothing of llmctl's arguments, so it gets `MODEL`, `SERVED_MODEL_NAME`, `HOST` and
`PORT`, and `engine.args` as they are written. It demands the endpoint's key if `engine.env` says in which
variable it reads it.
"""

from dataclasses import dataclass

from infra.agent.config import Launch, Reading
from infra.engines.base import Vocabulary
from infra.engines.common import Facts, has_gpus, key_variable, options, plain_env
from infra.environment import source
from infra.environment.model import Model

RESERVED = Vocabulary(
    reserved={
        "port": "it is the same for every engine, and in the variable PORT",
        "host": "it is in the variable HOST",
        "api-key": "it would be visible to every process; write NAME: ${api-key} in engine.env",
    }
)


@dataclass(frozen=True, kw_only=True)
class CustomImage(Facts):
    """An image of the user's; `environment` are the variables by which its kind is told where to listen."""

    environment: tuple[tuple[str, str], ...] = ()
    port_variable: str | None = None
    """Where its kind reads the port, beside PORT."""
    health_path: str = "/health"
    in_flight_metrics: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    metrics_port: int | None = None

    def launch(self, model: Model, *, served_name: str, path_prefix: str, port: int) -> Launch:
        """The user's arguments, and everything else by environment variable."""
        weights = source.parse(model.source)
        return Launch(
            image=self.image(model),
            args=options(model.engine.args),
            env={
                "MODEL": weights.local_path or weights.repository,
                **({"MODEL_REVISION": weights.revision} if weights.revision else {}),
                "SERVED_MODEL_NAME": served_name,
                "HOST": "0.0.0.0",  # noqa: S104 - in a container; the security group decides who gets in
                "PORT": str(port),
                **({self.port_variable: str(port)} if self.port_variable else {}),
                **dict(self.environment),
                **plain_env(model),
            },
            gpus=has_gpus(model),
            health_path=self.health_path,
            api_key_env=key_variable(model),
            in_flight_metrics=self.in_flight_metrics,
            readings=self.readings,
            metrics_port=self.metrics_port,
        )
