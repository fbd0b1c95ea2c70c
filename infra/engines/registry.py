"""Engines by name, and the one way to start a model of an environment."""

from dataclasses import replace

from infra.agent.config import ENGINE_PORT, RECORDED_PORT, Launch
from infra.engines import bentoml, llama_cpp, openai_image, ray_serve, sglang, simulator, tgi, vllm
from infra.engines.base import Engine
from infra.environment.model import Environment

_ENGINES: dict[str, Engine] = {
    each.name: each
    for each in (
        vllm.ENGINE,
        sglang.ENGINE,
        tgi.ENGINE,
        llama_cpp.ENGINE,
        bentoml.ENGINE,
        ray_serve.ENGINE,
        openai_image.ENGINE,
        simulator.ENGINE,
    )
}


def engine(name: str) -> Engine:
    """The engine of that name; the file format allows no other. Raises KeyError."""
    return _ENGINES[name]


def launch(environment: Environment, model: str) -> Launch:
    """How to start a model of an environment."""
    spec = environment.models[model]
    port = RECORDED_PORT if spec.capture else ENGINE_PORT
    started = engine(spec.engine.name).launch(
        spec, served_name=model, path_prefix=environment.path_prefix(model), port=port
    )
    return replace(started, engine_port=port) if spec.capture else started
