"""How much memory a model needs, and what its name tells of that."""

from pathlib import Path
from typing import Any

import pytest

from infra.engines.registry import engine
from infra.environment.load import load
from infra.environment.weights import bytes_in, demand, parameters_in
from tests.unit.environment.builders import examined, messages


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("Qwen2.5-7B-Instruct", 7),
        ("SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf", 0.135),
        ("Qwen2.5-0.5B-Instruct", 0.5),
        ("Mixtral-8x7B-Instruct-v0.1", 44.8),
        ("Qwen3-30B-A3B", 30),
        ("Meta-Llama-3.1-70B-Instruct-AWQ-INT4", 70),
        ("llama_13b_chat", 13),
        ("gpt-oss-20b", 20),
        ("translate-fr/2026-09-01", None),
        ("Phi-3-mini-4k-instruct", None),
        ("DeepSeek-V3", None),
        ("bge-m3", None),
    ],
)
def test_parameters_in_a_name(name: str, billions: float | None) -> None:
    """A size is read where there is one, and never invented."""
    found = parameters_in(name)
    assert found == (None if billions is None else pytest.approx(billions * 1e9))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen2.5-7B-Instruct", 2.0),
        ("Qwen2.5-7B-Instruct-AWQ", 0.55),
        ("Llama-2-7B-Chat-GPTQ", 0.55),
        ("Qwen2.5-72B-Instruct-GPTQ-Int8", 1.0),
        ("Qwen2.5-72B-Instruct-GPTQ-Int4", 0.55),
        ("model.Q4_1.gguf", 0.625),
        ("model-Q4_K_M.gguf", 0.56),
        ("model.Q8_0.gguf", 1.06),
        ("model-IQ2_XXS.gguf", 0.33),
        ("Llama-3.1-8B-Instruct-FP8-dynamic", 1.0),
        ("Llama-3.1-8B.w8a8", 1.0),
        ("gpt-oss-20b", 0.55),
        ("Hawqeye-7B", 2.0),
    ],
)
def test_bytes_in_a_name(name: str, size: float) -> None:
    """Quantised weights are counted as such, and words that only look like it aren't."""
    assert bytes_in(name) == size


def test_the_cache_of_a_sequence(tmp_path: Path) -> None:
    """2 (keys, values) x 28 layers x 4 heads x 128 x 2 bytes x 8192 tokens = 0.4375 GiB."""
    examined(
        tmp_path,
        ("models/chat/engine/args", {"max-model-len": 8192}),
        (
            "models/chat/architecture",
            {"parameters": 7.6e9, "layers": 28, "kv_heads": 4, "head_size": 128},
        ),
    )
    model = load(tmp_path / "sample.yaml").models["chat"]
    need = demand(model, engine("vllm").vocabulary)
    assert need is not None
    assert need.sequence == 0.4375
    assert need.weights == pytest.approx(14.156, abs=0.001)


@pytest.mark.parametrize(
    ("types", "args", "fits"),
    [
        (["g4dn.xlarge"], {}, False),
        (["g4dn.xlarge"], {"gpu-memory-utilization": 0.98}, True),
        (["g4dn.12xlarge"], {}, True),
        (["g4dn.12xlarge"], {"tensor-parallel-size": 1}, False),
    ],
)
def test_a_model_of_7b_on_a_t4(tmp_path: Path, types: list[str], args: dict[str, float], fits: bool) -> None:
    """13.04 GiB of weights and 1 GiB of working memory against a share of what CUDA has of 16: 14.58."""
    found = messages(tmp_path, ("models/chat/instances/types", types), ("models/chat/engine/args", args))
    assert (found == []) == fits


@pytest.mark.parametrize(
    ("engine_", "max_tokens", "length", "gib"),
    [
        ({"name": "vllm", "version": "v0.7.3"}, None, 32768, 5.0625),
        ({"name": "vllm", "version": "v0.7.3"}, None, 65536, 0),
        ({"name": "vllm", "version": "v0.5.3.post1"}, None, 65536, 10.125),
        ({"name": "vllm", "version": "v0.7.3"}, 2048, 32768, 0.3164),
        ({"name": "vllm", "version": "v0.18.0"}, None, 32768, 0),
        ({"name": "vllm", "version": "v0.18.0"}, 65536, 32768, 10.125),
        ({"name": "sglang", "version": "v0.4.0"}, None, 32768, 0),
    ],
)
def test_the_activations_of_a_step(
    tmp_path: Path, engine_: dict[str, str], max_tokens: int | None, length: int, gib: float
) -> None:
    """3 buffers x 27648 x 2 bytes for each token: of whole prompts only where they aren't cut in chunks."""
    facts = {"parameters": 32.8e9, "intermediate_size": 27648}
    argument = {"vllm": "max-model-len", "sglang": "context-length"}[engine_["name"]]
    changes: list[tuple[str, Any]] = [
        ("endpoint/auth", "none"),
        ("models/chat/engine", {**engine_, "args": {argument: length}}),
        ("models/chat/instances/types", ["p4de.24xlarge"]),
        ("models/chat/architecture", facts),
    ]
    changes += [("models/chat/batching", {"max_tokens": max_tokens})] if max_tokens else []
    examined(tmp_path, *changes)
    model = load(tmp_path / "sample.yaml").models["chat"]
    need = demand(model, engine(engine_["name"]).vocabulary)
    assert need is not None
    assert need.activations == pytest.approx(gib, abs=1e-4)


def test_the_models_own_context_counts_where_vllm_takes_it(tmp_path: Path) -> None:
    """One sequence of its length must fit, or vLLM refuses to start; other engines take less."""
    facts = {"parameters": 8.0e9, "layers": 32, "kv_heads": 8, "head_size": 128, "context": 131072}
    architecture = ("models/chat/architecture", facts)
    sglang = ("models/chat/engine", {"name": "sglang", "version": "v0.4.0"})
    assert messages(tmp_path, architecture)
    assert messages(tmp_path, architecture, ("models/chat/engine/args", {"max-model-len": 8192})) == []
    assert messages(tmp_path, architecture, sglang, ("endpoint/auth", "none")) == []


def test_a_large_model_needs_all_gpus(tmp_path: Path) -> None:
    """70B in 16 bits: not on 4 x 24 GB, but on 8 x 24 GB, and not when told to use 4 of the 8."""
    source = ("models/chat/source", "hf://meta-llama/Llama-3.1-70B-Instruct@1605565")
    assert messages(tmp_path, source, ("models/chat/instances/types", ["g5.12xlarge"]))
    eight = ("models/chat/instances/types", ["g5.48xlarge"])
    assert messages(tmp_path, source, eight) == []
    assert messages(tmp_path, source, eight, ("models/chat/engine/args", {"tensor-parallel-size": 4}))
    split = {"tensor-parallel-size": 4, "pipeline-parallel-size": 2}
    assert messages(tmp_path, source, eight, ("models/chat/engine/args", split)) == []


def test_llama_cpp_may_leave_weights_in_memory(tmp_path: Path) -> None:
    """llama.cpp keeps in the instance's memory what doesn't fit the GPU; on a processor the memory is all."""
    engine_ = ("models/chat/engine", {"name": "llama.cpp", "version": "b4321"})
    source = ("models/chat/source", "s3://models/qwen2.5-32b-Q4_K_M.gguf")
    gpu = ("models/chat/instances/types", ["g5.2xlarge"])
    small = ("models/chat/instances/types", ["c7i.2xlarge"])
    assert messages(tmp_path, engine_, source, gpu) == []
    assert messages(tmp_path, engine_, source, small) == [
        "models.chat.instances.types[0]: chat doesn't fit c7i.2xlarge"
    ]
