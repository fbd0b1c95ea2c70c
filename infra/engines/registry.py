"""Engines by name, and the one way to start a model of an environment."""

from dataclasses import replace

from infra.agent.catalogue import TIMED
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
    timed = environment.monitoring.times == "proxy"
    port = RECORDED_PORT if timed or spec.capture else ENGINE_PORT
    started = engine(spec.engine.name).launch(
        spec, served_name=model, path_prefix=environment.path_prefix(model), port=port
    )
    if port == RECORDED_PORT:
        started = replace(started, engine_port=port)
    return _timed(started) if timed else started


def _timed(launch: Launch) -> Launch:
    """The recorder tells what it can tell; the engine must not tell it again."""
    rest = tuple(reading for reading in launch.readings if reading.metric not in TIMED)
    return replace(launch, timed=True, readings=rest)
