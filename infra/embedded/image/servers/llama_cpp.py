"""llama.cpp's own server, from a Python package, with llama-server's command line.

The server is the real one, on this machine's processors; only its command line is read here. An argument
either does what it does in llama-server, or is about hardware that isn't here (accepted, said in the log),
or is refused as unknown. Threads default to one: several replicas share a few cores, and more threads make
all of them slower.
"""

import os
import re
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from infra.embedded.image.servers.container import host_path, listen_address
from infra.embedded.image.servers.weights import resolve
from infra.errors import LlmctlError

_MODEL_URL = re.compile(r"https://huggingface\.co/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_PROMPT_CACHE_MIB = 256


@dataclass(frozen=True)
class _Setting:
    """How an argument becomes parameters of the native server."""

    kind: Callable[[str], Any]
    targets: tuple[str, ...]
    """Dotted names of attributes that get the value."""


def _ints(*targets: str) -> _Setting:
    return _Setting(int, targets)


def _floats(*targets: str) -> _Setting:
    return _Setting(float, targets)


_SETTINGS = {
    "port": _ints("port"),
    "parallel": _ints("n_parallel"),
    "ctx-size": _ints("n_ctx"),
    "batch-size": _ints("n_batch"),
    "ubatch-size": _ints("n_ubatch"),
    "predict": _ints("n_predict"),
    "n-predict": _ints("n_predict"),
    "keep": _ints("n_keep"),
    "threads": _ints("cpuparams.n_threads", "cpuparams_batch.n_threads"),
    "threads-batch": _ints("cpuparams_batch.n_threads"),
    "threads-http": _ints("n_threads_http"),
    "timeout": _ints("timeout_read", "timeout_write"),
    "cache-reuse": _ints("n_cache_reuse"),
    "cache-ram": _ints("cache_ram_mib"),
    "slot-prompt-similarity": _floats("slot_prompt_similarity"),
    "rope-freq-base": _floats("rope_freq_base"),
    "rope-freq-scale": _floats("rope_freq_scale"),
    "verbosity": _ints("verbosity"),
    "log-verbosity": _ints("verbosity"),
    "seed": _ints("sampling.seed"),
    "temp": _floats("sampling.temp"),
    "temperature": _floats("sampling.temp"),
    "top-k": _ints("sampling.top_k"),
    "top-p": _floats("sampling.top_p"),
    "min-p": _floats("sampling.min_p"),
    "repeat-penalty": _floats("sampling.penalty_repeat"),
    "presence-penalty": _floats("sampling.penalty_present"),
    "frequency-penalty": _floats("sampling.penalty_freq"),
    "api-prefix": _Setting(str, ("api_prefix",)),
    "chat-template": _Setting(str, ("chat_template",)),
}
_SWITCHES = {
    "metrics": "endpoint_metrics",
    "slots": "endpoint_slots",
    "props": "endpoint_props",
    "cont-batching": "cont_batching",
    "context-shift": "ctx_shift",
    "cache-prompt": "cache_prompt",
    "kv-unified": "kv_unified",
    "jinja": "use_jinja",
    "warmup": "warmup",
    "embedding": "embedding",
    "embeddings": "embedding",
}
_WITHOUT_EFFECT = (
    *("n-gpu-layers", "gpu-layers", "main-gpu", "tensor-split", "split-mode", "device", "n-cpu-moe", "numa"),
    *("flash-attn", "cache-type-k", "cache-type-v", "defrag-thold", "load-mode", "hf-token", "prio", "poll"),
)
_SWITCHES_WITHOUT_EFFECT = (
    *("mlock", "mmap", "kv-offload", "op-offload", "perf", "repack", "offline", "cpu-moe"),
    *("webui", "ui", "log-colors", "log-prefix", "log-timestamps", "log-disable", "verbose"),
)


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """As llama-server ends."""
        sys.stderr.write(f"error: {message}\n")
        raise SystemExit(1)


def parse(arguments: Sequence[str]) -> Namespace:
    """Read the command line; an unknown argument ends the process with status 1, as in llama-server."""
    parser = _Parser(prog="llama-server", allow_abbrev=False, argument_default=None)
    for name in ("model", "model-url", "hf-repo", "hf-file", "alias"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--host", default="127.0.0.1")
    for name, setting in _SETTINGS.items():
        parser.add_argument(f"--{name}", type=setting.kind)
    for name in (*_SWITCHES, *_SWITCHES_WITHOUT_EFFECT):
        parser.add_argument(f"--{name}", action="store_true", default=None, dest=_dest(name))
        parser.add_argument(f"--no-{name}", action="store_false", default=None, dest=_dest(name))
    for name in _WITHOUT_EFFECT:
        parser.add_argument(f"--{name}")
    return parser.parse_args(arguments)


def model_file(options: Namespace) -> Path:
    """The weights on this machine; raises LlmctlError when they are not to be had."""
    if options.model:
        path = host_path(options.model)
        if not path.is_file():
            raise LlmctlError(f"there are no weights at {options.model}", hint="check the model's source")
        return path
    if options.model_url:
        if not (match := _MODEL_URL.fullmatch(options.model_url)):
            raise LlmctlError(f"{options.model_url} can't be fetched here", hint="use hf://ORG/REPO/FILE")
        return resolve(match[1], match[3], match[2])
    if options.hf_repo and options.hf_file:
        return resolve(options.hf_repo, options.hf_file)
    raise LlmctlError("no model was named", hint="give --model, or --hf-repo with --hf-file")


def parameters(options: Namespace, model: Path, api_key: str | None) -> Any:
    """The native server's parameters."""
    import xllamacpp

    native = xllamacpp.CommonParams()
    native.model.path = str(model)
    native.hostnames = [listen_address(options.host)]
    native.port = 8080
    native.n_parallel = 4
    native.cpuparams.n_threads = native.cpuparams_batch.n_threads = 1
    native.cache_ram_mib = _PROMPT_CACHE_MIB
    native.fit_params = False  # fits layers to GPU memory
    native.ui = False
    if options.alias:
        native.model_alias = set(options.alias.split(","))
    if api_key:
        native.api_keys = api_key.split(",")
    for name, setting in _SETTINGS.items():
        if (value := getattr(options, _dest(name))) is not None:
            for target in setting.targets:
                _assign(native, target, value)
    for name, target in _SWITCHES.items():
        if (value := getattr(options, _dest(name))) is not None:
            _assign(native, target, value)
    return native


def without_effect(options: Namespace) -> list[str]:
    """Arguments that were given and change nothing here."""
    names = (*_WITHOUT_EFFECT, *_SWITCHES_WITHOUT_EFFECT)
    return [f"--{name}" for name in names if getattr(options, _dest(name)) is not None]


def main() -> int:
    """Serve until a signal ends the process: like llama-server, it doesn't wait for requests in flight."""
    options = parse(sys.argv[1:])
    try:
        model = model_file(options)
    except LlmctlError as error:
        sys.stderr.write(f"error: {error.message}\nhint: {error.hint}\n")
        return 1
    if ignored := without_effect(options):
        sys.stderr.write(f"no effect on this machine: {' '.join(ignored)}\n")
    # The native code holds the interpreter while it loads: the default action ends it at once all the same.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    import xllamacpp

    server = xllamacpp.Server(parameters(options, model, os.environ.get("LLAMA_API_KEY")))
    sys.stderr.write(f"llama.cpp server (xllamacpp {xllamacpp.__version__}) on {server.listening_address}\n")
    sys.stderr.flush()
    threading.Event().wait()
    return 0


def _dest(name: str) -> str:
    return name.replace("-", "_")


def _assign(native: Any, target: str, value: object) -> None:
    *path, attribute = target.split(".")
    for name in path:
        native = getattr(native, name)
    setattr(native, attribute, value)


if __name__ == "__main__":
    sys.exit(main())
