"""llama.cpp's server: GGUF files, on GPUs or on processors.

`--api-prefix` moves every endpoint, so that nothing answers without the prefix any more, and below a prefix
the health path demands the key (measured): with a key it serves below no path.
"""

from dataclasses import dataclass

from infra.agent.config import Launch
from infra.engines.base import Vocabulary
from infra.engines.common import Facts, has_gpus, options, plain_env, present
from infra.engines.readings.llama_cpp import READINGS
from infra.environment import source
from infra.environment.base import Scalar
from infra.environment.model import Model

_HUGGING_FACE = "https://huggingface.co"


@dataclass(frozen=True, kw_only=True)
class LlamaCpp(Facts):
    """`llama-server`."""

    def launch(self, model: Model, *, served_name: str, path_prefix: str, port: int) -> Launch:
        """Arguments of `llama-server`, the image's entrypoint."""
        ours = {
            **_weights(source.parse(model.source)),
            "alias": served_name,
            "host": "0.0.0.0",  # noqa: S104 - in a container; the security group decides who gets in
            "port": port,
            "metrics": True,
            "api-prefix": path_prefix or None,
            "parallel": model.batching.max_sequences,
            "batch-size": model.batching.max_tokens,
        }
        return Launch(
            image=self.image(model, _tag(model)),
            args=options(present(ours) | model.engine.args, negatable=True),
            env=plain_env(model),
            gpus=has_gpus(model),
            health_path=f"{path_prefix}/health",
            metrics_path=f"{path_prefix}/metrics",
            api_key_env="LLAMA_API_KEY",
            in_flight_metrics=("llamacpp:requests_processing", "llamacpp:requests_deferred"),
            readings=READINGS,
            max_sequences=model.batching.max_sequences,
        )


def _weights(weights: source.Source) -> dict[str, Scalar | None]:
    """A revision can only be had by the file's address: the server's own download takes the newest."""
    if weights.local_path:
        return {"model": weights.local_path}
    if weights.revision:
        return {
            "model-url": f"{_HUGGING_FACE}/{weights.repository}/resolve/{weights.revision}/{weights.path}"
        }
    return {"hf-repo": weights.repository, "hf-file": weights.path or None}


def _tag(model: Model) -> str:
    """The project tags its images server[-cuda][-BUILD]."""
    version = model.engine.version
    if version.startswith("server"):
        return version
    return f"server-cuda-{version}" if has_gpus(model) else f"server-{version}"


ENGINE = LlamaCpp(
    name="llama.cpp",
    repository="ghcr.io/ggml-org/llama.cpp",
    arguments="llama.cpp",
    needs_gpu=False,
    can_serve_below_path=True,
    hides_health_below_path=True,
    has_api_key=True,
    vocabulary=Vocabulary(
        reserved={
            **dict.fromkeys(("model", "model-url", "hf-repo", "hf-file"), "it is the model's source"),
            "alias": "it is the model's name",
            "host": "instances are reached by the load balancer only",
            "port": "it is the same for every engine",
            "metrics": "draining needs the metrics, so they are always on",
            "api-prefix": "it follows from the routing",
            "api-key": "it would be visible to every process; use endpoint.auth",
            "api-key-file": "use endpoint.auth",
            "parallel": "use batching.max_sequences",
            "batch-size": "use batching.max_tokens",
            "ssl-key-file": "TLS ends at the load balancer",
            "ssl-cert-file": "TLS ends at the load balancer",
        },
        context=("ctx-size",),
        context_is_shared=True,
        loads_single_file=True,
    ),
)
