"""Hugging Face Text Generation Inference.

It serves one model under any name, can't answer below a path, and reads its key from `API_KEY`; health and
metrics stay open.
"""

from dataclasses import dataclass

from infra.agent.config import Launch
from infra.engines.base import Vocabulary
from infra.engines.common import Facts, has_gpus, options, plain_env, present, tensor_parallel
from infra.engines.readings.tgi import READINGS
from infra.environment import source
from infra.environment.model import Model


@dataclass(frozen=True, kw_only=True)
class Tgi(Facts):
    """The launcher of Text Generation Inference."""

    def launch(self, model: Model, *, served_name: str, path_prefix: str, port: int) -> Launch:
        """Arguments of `text-generation-launcher`, which the image's entrypoint runs."""
        weights = source.parse(model.source)
        ours = {
            "model-id": weights.local_path or weights.repository,
            "revision": weights.revision,
            "hostname": "0.0.0.0",  # noqa: S104 - in a container; the security group decides who gets in
            "port": port,
            "max-batch-size": model.batching.max_sequences,
            "max-batch-prefill-tokens": model.batching.max_tokens,
            **tensor_parallel(model, self.vocabulary),
        }
        return Launch(
            image=self.image(model),
            args=options(present(ours) | model.engine.args),
            env=plain_env(model),
            gpus=has_gpus(model),
            api_key_env="API_KEY",
            in_flight_metrics=("tgi_batch_current_size", "tgi_queue_size"),
            readings=READINGS,
            max_sequences=model.batching.max_sequences,
        )


ENGINE = Tgi(
    name="tgi",
    repository="ghcr.io/huggingface/text-generation-inference",
    arguments="tgi",
    has_api_key=True,
    vocabulary=Vocabulary(
        reserved={
            "model-id": "it is the model's source",
            "revision": "it is the part after @ in the model's source",
            "hostname": "instances are reached by the load balancer only",
            "port": "it is the same for every engine",
            "api-key": "it would be visible to every process; use endpoint.auth",
            "max-batch-size": "use batching.max_sequences",
            "max-batch-prefill-tokens": "use batching.max_tokens",
            "ngrok": "it would open a way around the load balancer",
            "ngrok-authtoken": "it would open a way around the load balancer",
            "ngrok-edge": "it would open a way around the load balancer",
        },
        tensor_parallel=("num-shard",),
        context=("max-total-tokens",),
        memory_share=("cuda-memory-fraction",),
    ),
)
