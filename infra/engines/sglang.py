"""SGLang.

It takes a key only as an argument, which every process on the instance could read: llmctl doesn't do that, so
it can't demand one. `--fastapi-root-path` expects a proxy that strips the path, which the load balancer
doesn't.
"""

from dataclasses import dataclass

from infra.agent.config import Launch
from infra.engines.base import Vocabulary
from infra.engines.common import (
    KEEP_ALIVE_SECONDS,
    Facts,
    has_gpus,
    options,
    plain_env,
    present,
    tensor_parallel,
)
from infra.engines.readings.sglang import READINGS
from infra.environment import source
from infra.environment.model import Model

_COMMAND = ("python3", "-m", "sglang.launch_server")


@dataclass(frozen=True, kw_only=True)
class Sglang(Facts):
    """SGLang's OpenAI-compatible server."""

    def launch(self, model: Model, *, served_name: str, path_prefix: str, port: int) -> Launch:
        """The whole command: the image has no entrypoint that serves."""
        weights = source.parse(model.source)
        ours = {
            "model-path": weights.local_path or weights.repository,
            "revision": weights.revision,
            "served-model-name": served_name,
            "host": "0.0.0.0",  # noqa: S104 - in a container; the security group decides who gets in
            "port": port,
            "enable-metrics": True,
            "max-running-requests": model.batching.max_sequences,
            "max-prefill-tokens": model.batching.max_tokens,
            **tensor_parallel(model, self.vocabulary),
        }
        return Launch(
            image=self.image(model),
            args=_COMMAND + options(present(ours) | model.engine.args),
            env={"SGLANG_TIMEOUT_KEEP_ALIVE": str(KEEP_ALIVE_SECONDS), **plain_env(model)},
            gpus=has_gpus(model),
            in_flight_metrics=("sglang:num_running_reqs", "sglang:num_queue_reqs"),
            readings=READINGS,
            max_sequences=model.batching.max_sequences,
        )


ENGINE = Sglang(
    name="sglang",
    repository="lmsysorg/sglang",
    arguments="sglang",
    vocabulary=Vocabulary(
        reserved={
            "model": "it is the model's source",
            "model-path": "it is the model's source",
            "revision": "it is the part after @ in the model's source",
            "served-model-name": "it is the model's name",
            "host": "instances are reached by the load balancer only",
            "port": "it is the same for every engine",
            "fastapi-root-path": "the load balancer doesn't strip paths",
            "api-key": "it would be visible to every process on the instance",
            "admin-api-key": "it would be visible to every process on the instance",
            "enable-metrics": "draining needs the metrics, so they are always on",
            "max-running-requests": "use batching.max_sequences",
            "max-prefill-tokens": "use batching.max_tokens",
            "config": "write the arguments here",
        },
        tensor_parallel=("tensor-parallel-size", "tp-size"),
        context=("context-length",),
        memory_share=("mem-fraction-static",),
        default_memory_share=0.88,
    ),
)
