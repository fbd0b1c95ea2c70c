"""The simulator: an OpenAI-compatible server without a model, for tests, chaos and rehearsals.

It is started like vLLM and reports vLLM's metric names, so that what is rehearsed with it is what runs.
"""

from dataclasses import dataclass

from infra.agent.config import Launch
from infra.engines.base import Vocabulary
from infra.engines.common import Facts, has_gpus, options, plain_env, present
from infra.engines.readings.vllm import READINGS
from infra.environment.base import Scalar
from infra.environment.model import Model

_DEFAULT_SEQUENCES = 256
"""What it takes at once when it isn't told."""


@dataclass(frozen=True, kw_only=True)
class Simulator(Facts):
    """llmctl's own simulator."""

    def launch(self, model: Model, *, served_name: str, path_prefix: str, port: int) -> Launch:
        """Arguments of vLLM, and the simulator's own from `engine.args`."""
        ours: dict[str, Scalar | None] = {
            "model": model.source,
            "served-model-name": served_name,
            "host": "0.0.0.0",  # noqa: S104 - in a container; the security group decides who gets in
            "port": port,
            "root-path": path_prefix or None,
            "max-num-seqs": model.batching.max_sequences,
        }
        return Launch(
            image=self.image(model),
            args=options(present(ours) | model.engine.args),
            env=plain_env(model),
            gpus=has_gpus(model),
            api_key_env="VLLM_API_KEY",
            in_flight_metrics=("vllm:num_requests_running", "vllm:num_requests_waiting"),
            readings=READINGS,
            max_sequences=model.batching.max_sequences or _DEFAULT_SEQUENCES,
        )


ENGINE = Simulator(
    name="simulator",
    repository="llmctl/simulator",
    needs_gpu=False,
    can_serve_below_path=True,
    has_api_key=True,
    vocabulary=Vocabulary(
        reserved={
            "model": "it is the model's source",
            "served-model-name": "it is the model's name",
            "host": "instances are reached by the load balancer only",
            "port": "it is the same for every engine",
            "root-path": "it follows from the routing",
            "api-key": "it would be visible to every process; use endpoint.auth",
            "max-num-seqs": "use batching.max_sequences",
        }
    ),
)
