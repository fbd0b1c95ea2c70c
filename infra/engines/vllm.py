"""vLLM: the default choice on GPUs.

Arguments and behaviour as documented for `vllm serve`. It answers with and without `--root-path`, its health
path is open, and `VLLM_API_KEY` guards /v1.
"""

import re
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
from infra.engines.readings.vllm import READINGS
from infra.environment import source
from infra.environment.base import seconds
from infra.environment.model import Model

_FIRST_WITH_SHUTDOWN_TIMEOUT = (0, 18)


@dataclass(frozen=True, kw_only=True)
class Vllm(Facts):
    """vLLM's OpenAI-compatible server."""

    def launch(self, model: Model, *, served_name: str, path_prefix: str, port: int) -> Launch:
        """Arguments of `vllm serve`, for the image whose entrypoint it is."""
        weights = source.parse(model.source)
        ours = {
            "model": weights.local_path or weights.repository,
            "revision": weights.revision,
            "served-model-name": served_name,
            "host": "0.0.0.0",  # noqa: S104 - in a container; the security group decides who gets in
            "port": port,
            "root-path": path_prefix or None,
            "max-num-seqs": model.batching.max_sequences,
            "max-num-batched-tokens": model.batching.max_tokens,
            "shutdown-timeout": _shutdown_timeout(model),
            **tensor_parallel(model, self.vocabulary),
        }
        return Launch(
            image=self.image(model),
            args=options(present(ours) | model.engine.args, negatable=True),
            env={"VLLM_HTTP_TIMEOUT_KEEP_ALIVE": str(KEEP_ALIVE_SECONDS), **plain_env(model)},
            gpus=has_gpus(model),
            api_key_env="VLLM_API_KEY",
            in_flight_metrics=("vllm:num_requests_running", "vllm:num_requests_waiting"),
            readings=READINGS,
            max_sequences=model.batching.max_sequences,
        )


def _shutdown_timeout(model: Model) -> int | None:
    """As long as the balancer drains; None for versions that would refuse to start with the argument.

    A version that isn't a number (latest, nightly) is taken for a recent one.
    """
    version = re.match(r"v?(\d+)\.(\d+)", model.engine.version)
    if version and (int(version[1]), int(version[2])) < _FIRST_WITH_SHUTDOWN_TIMEOUT:
        return None
    return seconds(model.routing.deregistration_delay)


ENGINE = Vllm(
    name="vllm",
    repository="vllm/vllm-openai",
    arguments="vllm",
    can_serve_below_path=True,
    has_api_key=True,
    vocabulary=Vocabulary(
        reserved={
            "model": "it is the model's source",
            "revision": "it is the part after @ in the model's source",
            "served-model-name": "it is the model's name",
            "host": "instances are reached by the load balancer only",
            "port": "it is the same for every engine",
            "uds": "the load balancer needs a port",
            "root-path": "it follows from the routing",
            "api-key": "it would be visible to every process; use endpoint.auth",
            "max-num-seqs": "use batching.max_sequences",
            "max-num-batched-tokens": "use batching.max_tokens",
            "shutdown-timeout": "use routing.deregistration_delay",
            "ssl-keyfile": "TLS ends at the load balancer",
            "ssl-certfile": "TLS ends at the load balancer",
            "config": "write the arguments here",
        },
        tensor_parallel=("tensor-parallel-size",),
        context=("max-model-len",),
        context_defaults_to_model=True,
        had_whole_prompts=True,
        memory_share=("gpu-memory-utilization",),
        default_memory_share=0.9,
    ),
)
