"""llama-server's command line, as the local llama.cpp server reads it."""

from pathlib import Path

import pytest

from infra.embedded.image.servers import llama_cpp
from infra.errors import LlmctlError


def test_arguments_reach_the_native_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument that is accepted must do what it does in llama-server."""
    monkeypatch.setenv("INSTANCE_ADDRESS", "127.0.0.9")
    line = "--alias chat --host 0.0.0.0 --port 9000 --parallel 3 --ctx-size 4096 --batch-size 64 --metrics"
    options = llama_cpp.parse([*line.split(), "--temp", "0.5", "--no-warmup"])
    native = llama_cpp.parameters(options, Path("/m.gguf"), "k1,k2")
    assert (native.hostnames, native.port, native.n_parallel, native.n_ctx) == (["127.0.0.9"], 9000, 3, 4096)
    assert (native.n_batch, native.endpoint_metrics, native.warmup) == (64, True, False)
    assert native.sampling.temp == 0.5
    assert native.model_alias == {"chat"}
    assert native.api_keys == ["k1", "k2"]


def test_one_thread_unless_told_otherwise() -> None:
    """Replicas share a few cores: more threads make all of them slower."""
    assert llama_cpp.parameters(llama_cpp.parse([]), Path("/m"), None).cpuparams.n_threads == 1
    options = llama_cpp.parse(["--threads", "2"])
    assert llama_cpp.parameters(options, Path("/m"), None).cpuparams_batch.n_threads == 2


def test_unknown_argument_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An argument that llama-server would refuse must not pass the rehearsal."""
    with pytest.raises(SystemExit) as ended:
        llama_cpp.parse(["--tensor-parallel-size", "2"])
    assert ended.value.code == 1
    assert "--tensor-parallel-size" in capsys.readouterr().err


def test_hardware_arguments_are_named_as_without_effect() -> None:
    """Nobody should believe that layers went to a GPU."""
    options = llama_cpp.parse(["--n-gpu-layers", "99", "--mlock", "--port", "1"])
    assert llama_cpp.without_effect(options) == ["--n-gpu-layers", "--mlock"]


def test_model_in_a_volume_is_found_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that the agent fetched are named by their path in the container."""
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    monkeypatch.setenv("CONTAINER_VOLUMES", f"/elsewhere:/var,{tmp_path}:/var/lib/llmctl/weights")
    options = llama_cpp.parse(["--model", "/var/lib/llmctl/weights/m.gguf"])
    assert llama_cpp.model_file(options) == tmp_path / "m.gguf"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no model was named"),
        (["--model", "/nowhere.gguf"], "there are no weights at /nowhere.gguf"),
        (["--model-url", "https://example.com/m.gguf"], "can't be fetched here"),
    ],
)
def test_missing_model_says_what_to_do(arguments: list[str], message: str) -> None:
    """The replica's log must tell why the engine didn't start."""
    with pytest.raises(LlmctlError, match=message) as raised:
        llama_cpp.model_file(llama_cpp.parse(arguments))
    assert raised.value.hint
