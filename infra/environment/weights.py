"""How much memory a model needs: weights, one sequence's KV cache, working memory.

Pure arithmetic over what the file says; what it leaves out is inferred from the name of the weights, as model
names carry their size (7B, 8x7B, 135M) and their format (AWQ, FP8, Q4_K_M). A guess must never refuse what
would run: where a name is ambiguous the smaller reading counts, and without any size in the name there is no
opinion.
"""

import re
from dataclasses import dataclass

from infra.engines.base import Vocabulary
from infra.environment.model import Architecture, Model
from infra.environment.source import parse

GIB = 1024**3
WORKING_MEMORY = 1.0
"""GiB of each GPU for CUDA's context and graphs and small activations: rather less than engines take."""
_MLP_BUFFERS = 3  # gate, up and their product, of every token of a step at the same time
_FIRST_WITH_CHUNKS_FOR_LONG = (0, 5, 4)  # vLLM: prompts in chunks where the context is longer than 32768,
_FIRST_WITH_CHUNKS = (0, 8, 0)  # and for all of them (its V1 engine)
_LONG = 32768

_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", re.IGNORECASE)
_EXPERTS_SHARE = 0.8  # of NxM: mixtures of experts share their attention, so 8x7B has 47 and not 56 billion

# Bytes per parameter by what names say, scales of the quantised blocks included; the first match counts.
_FORMATS = tuple(
    (re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", re.IGNORECASE), size)
    for pattern, size in (
        ("i?q1_[a-z]+", 0.2),
        ("i?q2_[a-z_]+", 0.33),
        ("i?q3_[a-z_]+", 0.45),
        ("q4_1", 0.625),
        ("i?q4_[a-z0-9_]+", 0.56),
        ("q5_[a-z0-9_]+", 0.69),
        ("q6_k", 0.82),
        ("q8_0", 1.06),
        ("gptq[-_](?:int)?8(?:[-_]?bit)?", 1.0),
        ("awq|gptq|int4|4bit|4-bit|w4a16|nf4|bnb|mxfp4|nvfp4|fp4|gpt-oss", 0.55),
        ("fp8|int8|8bit|8-bit|w8a8|w8a16", 1.0),
        ("fp32|f32|float32", 4.0),
    )
)
_QUANTIZATIONS = {
    "fp8": 1.0,
    "bitsandbytes": 0.55,
    "bitsandbytes-nf4": 0.55,
    "eetq": 1.0,
    "experts_int8": 1.0,
}


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a model needs, in GiB, over all GPUs of an instance."""

    parameters: float
    bytes_per_parameter: float
    weights: float
    sequence: float
    """KV cache of one sequence of the longest length; 0 when the architecture isn't known."""
    activations: float = 0.0
    """Of the tokens of the largest step; 0 when the architecture or the step isn't known."""
    inferred: bool
    """Whether the size was read from the name of the weights."""

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.sequence + self.activations


def demand(model: Model, vocabulary: Vocabulary) -> Demand | None:
    """What the model needs; None when nothing tells its size."""
    facts = model.architecture
    parameters = facts.parameters if facts else parameters_in(parse(model.source).name)
    if parameters is None:
        return None
    size = facts.bytes_per_parameter if facts else _bytes_of(model)
    return Demand(
        parameters=parameters,
        bytes_per_parameter=size,
        weights=parameters * size / GIB,
        sequence=_sequence(facts, model, vocabulary) if facts else 0.0,
        activations=_activations(facts, model, vocabulary) if facts else 0.0,
        inferred=facts is None,
    )


def parameters_in(name: str) -> float | None:
    """The number of parameters that a name carries; the largest when it carries several (30B-A3B)."""
    sizes = [
        float(number) * (1e9 if unit in "bB" else 1e6) * (int(experts) * _EXPERTS_SHARE if experts else 1)
        for experts, number, unit in _SIZE.findall(name.replace("_", "-"))
    ]
    return max(sizes, default=None)


def bytes_in(name: str) -> float:
    """Bytes per parameter that a name carries; 2 (bfloat16) when it says nothing."""
    return next((size for pattern, size in _FORMATS if pattern.search(name)), 2.0)


def number(model: Model, names: tuple[str, ...]) -> float | None:
    """The value of the first of these engine arguments that the file sets to a number."""
    for name in names:
        value = model.engine.args.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def _bytes_of(model: Model) -> float:
    named = bytes_in(parse(model.source).name)
    quantization = model.engine.args.get("quantization", model.engine.args.get("quantize"))
    return min(named, _QUANTIZATIONS.get(str(quantization), named))


def _sequence(facts: Architecture, model: Model, vocabulary: Vocabulary) -> float:
    length = _length(facts, model, vocabulary)
    if not (length and facts.layers and facts.kv_heads and facts.head_size):
        return 0.0
    element = 1 if str(model.engine.args.get("kv-cache-dtype", "")).startswith("fp8") else 2
    return 2 * facts.layers * facts.kv_heads * facts.head_size * element * length / GIB


def _length(facts: Architecture, model: Model, vocabulary: Vocabulary) -> float | None:
    """Tokens of the longest sequence: as the arguments say, else the model's own where that counts."""
    stated = number(model, vocabulary.context)
    return stated or (facts.context if vocabulary.context_defaults_to_model else None)


def _activations(facts: Architecture, model: Model, vocabulary: Vocabulary) -> float:
    """The MLP's buffers, the largest there are; all GPUs together, as they split them."""
    whole = _whole_prompts(facts, model, vocabulary)
    step = model.batching.max_tokens or (_length(facts, model, vocabulary) if whole else None)
    return _MLP_BUFFERS * 2 * (facts.intermediate_size or 0) * (step or 0) / GIB


def _whole_prompts(facts: Architecture, model: Model, vocabulary: Vocabulary) -> bool:
    """Whether the engine works off a prompt in one step, as vLLM did before it had chunked prefill."""
    version = re.match(r"v?(\d+)\.(\d+)\.(\d+)", model.engine.version)
    if not (vocabulary.had_whole_prompts and version) or model.engine.args.get("enable-chunked-prefill"):
        return False
    long = (_length(facts, model, vocabulary) or 0) > _LONG
    first = _FIRST_WITH_CHUNKS_FOR_LONG if long else _FIRST_WITH_CHUNKS
    return tuple(int(each) for each in version.groups()) < first
