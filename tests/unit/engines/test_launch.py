"""What each engine is started with."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.agent.config import ENGINE_PORT, WEIGHTS_DIRECTORY, Launch
from infra.engines.common import KEEP_ALIVE_SECONDS
from infra.engines.registry import engine, launch
from infra.environment.load import load
from infra.environment.model import Environment
from tests.unit.environment.builders import changed, examined

ENGINES = ["vllm", "sglang", "tgi", "llama.cpp", "bentoml", "ray-serve", "openai", "simulator"]


def launched(folder: Path, *changes: tuple[str, Any]) -> Launch:
    """The launch of the only model of a changed, valid environment."""
    found = examined(folder, *changes)
    assert [each.render() for each in found.problems] == []
    return launch(load(folder / "sample.yaml"), "chat")


def value(started: Launch, argument: str) -> str:
    """The word after an argument."""
    return started.args[started.args.index(f"--{argument}") + 1]


def test_vllm(tmp_path: Path) -> None:
    """The file gives vLLM its source, revision, name, port, batching and a drain like the balancer's."""
    started = launched(
        tmp_path,
        ("models/chat/batching", {"max_sequences": 32, "max_tokens": 4096}),
        ("models/chat/routing", {"deregistration_delay": "2m"}),
        ("models/chat/engine/args", {"enable-prefix-caching": False, "enforce-eager": True}),
    )
    assert started.image == "vllm/vllm-openai:v0.18.0"
    assert value(started, "model") == "Qwen/Qwen2.5-7B-Instruct"
    assert value(started, "revision") == "a09a354"
    assert value(started, "served-model-name") == "chat"
    assert value(started, "port") == str(ENGINE_PORT)
    assert value(started, "max-num-seqs") == "32"
    assert value(started, "max-num-batched-tokens") == "4096"
    assert value(started, "shutdown-timeout") == "120"
    assert "--no-enable-prefix-caching" in started.args
    assert "--enforce-eager" in started.args
    assert "--root-path" not in started.args
    assert started.api_key_env == "VLLM_API_KEY"
    assert started.gpus


@pytest.mark.parametrize(
    ("version", "drains"),
    [("v0.11.0", False), ("0.17.1", False), ("v0.18.0", True), ("v1.0", True), ("nightly", True)],
)
def test_vllm_before_shutdown_timeout(tmp_path: Path, version: str, drains: bool) -> None:
    """An older vLLM would refuse to start with an argument that it doesn't know."""
    started = launched(tmp_path, ("models/chat/engine/version", version))
    assert ("--shutdown-timeout" in started.args) == drains


@pytest.mark.parametrize(
    ("name", "argument"),
    [("vllm", "tensor-parallel-size"), ("sglang", "tensor-parallel-size"), ("tgi", "num-shard")],
)
def test_all_gpus_of_an_instance_are_used(tmp_path: Path, name: str, argument: str) -> None:
    """With several GPUs the model is spread over them, unless the file says otherwise."""
    types = ("models/chat/instances/types", ["g5.12xlarge", "g6.12xlarge"])
    auth = ("endpoint/auth", "none")
    base = ("models/chat/engine", {"name": name, "version": "v1.0"})
    assert value(launched(tmp_path, types, auth, base), argument) == "4"
    chosen = ("models/chat/engine", {"name": name, "version": "v1.0", "args": {argument: 2}})
    assert value(launched(tmp_path, types, auth, chosen), argument) == "2"
    assert f"--{argument}" not in launched(tmp_path, auth, base).args


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("vllm", "VLLM_HTTP_TIMEOUT_KEEP_ALIVE"),
        ("sglang", "SGLANG_TIMEOUT_KEEP_ALIVE"),
        ("ray-serve", "RAY_SERVE_HTTP_KEEP_ALIVE_TIMEOUT_S"),
    ],
)
def test_idle_connections_are_kept(name: str, variable: str) -> None:
    """Servers on uvicorn close an idle connection after 5 s, which the balancer would still use: 502."""
    for own, expected in (({}, str(KEEP_ALIVE_SECONDS)), ({variable: "900"}, "900")):
        section = {"name": name, "version": "v0.18.0", "image": "own/image", "env": own}
        environment = msgspec.convert(changed(("models/chat/engine", section)), Environment)
        assert launch(environment, "chat").env[variable] == expected


def test_sglang_is_started_by_its_whole_command(tmp_path: Path) -> None:
    """SGLang's image has no entrypoint that serves, and no key can be given in the open."""
    started = launched(
        tmp_path,
        ("endpoint/auth", "none"),
        ("models/chat/engine", {"name": "sglang", "version": "v0.5.0"}),
        ("models/chat/batching", {"max_sequences": 16}),
    )
    assert started.args[:3] == ("python3", "-m", "sglang.launch_server")
    assert value(started, "model-path") == "Qwen/Qwen2.5-7B-Instruct"
    assert value(started, "max-running-requests") == "16"
    assert "--enable-metrics" in started.args
    assert started.api_key_env is None


def test_tgi(tmp_path: Path) -> None:
    """TGI has names of its own for everything."""
    started = launched(tmp_path, ("models/chat/engine", {"name": "tgi", "version": "3.3"}))
    assert value(started, "model-id") == "Qwen/Qwen2.5-7B-Instruct"
    assert value(started, "hostname") == "0.0.0.0"
    assert started.api_key_env == "API_KEY"


LLAMA = ("models/chat/engine", {"name": "llama.cpp", "version": "b4321"})
CPU = ("models/chat/instances/types", ["c7i.large", "m7i.large"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("hf://org/repo/a.gguf", {"hf-repo": "org/repo", "hf-file": "a.gguf"}),
        (
            "hf://org/repo/sub/a.gguf@abc",
            {"model-url": "https://huggingface.co/org/repo/resolve/abc/sub/a.gguf"},
        ),
        ("s3://bucket/prefix/a.gguf", {"model": f"{WEIGHTS_DIRECTORY}/a.gguf"}),
        ("file:///models/a.gguf", {"model": "/models/a.gguf"}),
    ],
)
def test_llama_cpp_sources(tmp_path: Path, source: str, expected: dict[str, str]) -> None:
    """A file comes from a hub, at a revision if there is one, from S3 or from the image."""
    started = launched(tmp_path, LLAMA, CPU, ("models/chat/source", source))
    assert {name: value(started, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("version", "types", "tag"),
    [
        ("b4321", ["c7i.large"], "server-b4321"),
        ("b4321", ["g5.xlarge"], "server-cuda-b4321"),
        ("server", ["g5.xlarge"], "server"),
    ],
)
def test_llama_cpp_image(tmp_path: Path, version: str, types: list[str], tag: str) -> None:
    """The tag follows the project's scheme: with CUDA where there are GPUs, or exactly what was asked for."""
    started = launched(
        tmp_path,
        ("models/chat/source", "s3://b/a.gguf"),
        ("models/chat/engine", {"name": "llama.cpp", "version": version}),
        ("models/chat/instances/types", types),
    )
    assert started.image == f"ghcr.io/ggml-org/llama.cpp:{tag}"
    assert started.gpus == (types == ["g5.xlarge"])


def test_llama_cpp_below_a_path_moves_everything(tmp_path: Path) -> None:
    """Health and metrics follow the prefix, which moves every endpoint of this server."""
    examined(tmp_path, LLAMA, CPU, ("models/chat/source", "s3://b/a.gguf"))
    model = load(tmp_path / "sample.yaml").models["chat"]
    started = engine("llama.cpp").launch(model, served_name="chat", path_prefix="/chat", port=8000)
    assert value(started, "api-prefix") == "/chat"
    assert started.health_path == "/chat/health"
    assert started.metrics_path == "/chat/metrics"


def test_vllm_below_a_path(tmp_path: Path) -> None:
    """With and without the prefix vLLM answers, so that its health path stays where it is."""
    examined(tmp_path)
    model = load(tmp_path / "sample.yaml").models["chat"]
    started = engine("vllm").launch(model, served_name="chat", path_prefix="/chat", port=8000)
    assert value(started, "root-path") == "/chat"
    assert started.health_path == "/health"


def test_a_custom_image_gets_its_settings_as_variables(tmp_path: Path) -> None:
    """An image that knows nothing of llmctl is told everything, and the key by the name it wants."""
    started = launched(
        tmp_path,
        (
            "models/chat/engine",
            {
                "name": "openai",
                "version": "1.2",
                "image": "own/chat",
                "env": {"MY_KEY": "${api-key}", "LOG_LEVEL": "info"},
            },
        ),
    )
    assert started.image == "own/chat:1.2"
    assert started.env == {
        "MODEL": "Qwen/Qwen2.5-7B-Instruct",
        "MODEL_REVISION": "a09a354",
        "SERVED_MODEL_NAME": "chat",
        "HOST": "0.0.0.0",
        "PORT": "8000",
        "LOG_LEVEL": "info",
    }
    assert started.api_key_env == "MY_KEY"


@pytest.mark.parametrize(("name", "health"), [("bentoml", "/readyz"), ("ray-serve", "/-/healthz")])
def test_frameworks_have_health_paths_of_their_own(tmp_path: Path, name: str, health: str) -> None:
    """The balancer asks where the framework answers."""
    started = launched(
        tmp_path,
        ("endpoint/auth", "none"),
        ("models/chat/engine", {"name": name, "version": "1", "image": "own/chat"}),
    )
    assert started.health_path == health


@pytest.mark.parametrize("name", ENGINES)
def test_arguments_do_not_depend_on_the_files_order(name: str) -> None:
    """Sorting the arguments of a file makes no new release."""
    args = ({"beta": "2", "alpha": 1}, {"alpha": 1, "beta": "2"})
    started = []
    for each in args:
        section = {"name": name, "version": "1", "image": "own/chat", "args": each}
        environment = msgspec.convert(changed(("models/chat/engine", section)), Environment)
        started.append(launch(environment, "chat"))
    assert started[0] == started[1]


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_reserves_where_it_listens(name: str) -> None:
    """A file can't move an engine away from the balancer, or put a key where every process reads it."""
    reserved = engine(name).vocabulary.reserved
    assert "port" in reserved
    assert {"host", "hostname"} & set(reserved)
    assert "api-key" in reserved


@pytest.mark.parametrize("name", ["vllm", "sglang", "tgi", "llama.cpp"])
def test_the_vocabulary_is_the_engines(name: str) -> None:
    """Every argument that the checks reason about is one that the engine has."""
    words, known = engine(name).vocabulary, engine(name).known_args
    assert {*words.reserved, *words.tensor_parallel, *words.context, *words.memory_share} <= known
