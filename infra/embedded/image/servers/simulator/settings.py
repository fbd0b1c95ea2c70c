"""How the simulator behaves: from vLLM's arguments, its own, and `SIMULATOR_*` in the environment.

Any argument of any engine is accepted, because the simulator stands in for several; those that change nothing
are listed in the log, so that nobody believes they did.
"""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that can be told to a simulator. Times in seconds."""

    model: str
    names: tuple[str, ...]
    """What clients may send as "model"; the first is in answers."""
    image: str
    host: str
    port: int
    root_path: str
    api_key: str | None
    max_num_seqs: int
    max_model_len: int
    shutdown_timeout: float
    ttft: float
    """From the start of the work to the first token."""
    time_per_token: float
    """For one sequence alone; a full batch is slower."""
    error_rate: float
    """Share of requests that fail with status 500."""
    garbled: bool
    """Whether answers have nothing to do with the prompt, as with a broken chat template."""
    crash_after: int
    """Requests after which the process dies, as one that leaks memory does; 0: it doesn't."""
    startup: float
    """Until then nothing is served but 503."""
    seed: int
    not_simulated: tuple[str, ...]
    """Arguments that were given and change nothing."""


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings from the command line; a wrong value ends the process with status 2."""
    options, unknown = _parser(environment).parse_known_args(arguments)
    model = options.model or options.model_path or options.model_id or "simulator"
    names = options.served_model_name or [model]
    return Settings(
        model=model,
        names=tuple(names),
        image=options.image,
        host=options.host or options.hostname or "0.0.0.0",  # noqa: S104 - see container.listen_address
        port=options.port,
        root_path=f"/{options.root_path.strip('/')}" if options.root_path.strip("/") else "",
        api_key=environment.get("VLLM_API_KEY") or environment.get("API_KEY") or None,
        max_num_seqs=options.max_num_seqs,
        max_model_len=options.max_model_len,
        shutdown_timeout=options.shutdown_timeout,
        ttft=options.ttft,
        time_per_token=options.time_per_token,
        error_rate=options.error_rate,
        garbled=options.garbled,
        crash_after=options.crash_after,
        startup=options.startup,
        seed=options.seed,
        not_simulated=tuple(word for word in unknown if word.startswith("-")),
    )


def _parser(environment: Mapping[str, str]) -> ArgumentParser:
    parser = ArgumentParser(prog="simulator", description=__doc__, allow_abbrev=False)
    for name in ("model", "model-path", "model-id", "host", "hostname"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--served-model-name", nargs="+")
    parser.add_argument("--image", default="", help="the image that this server stands in for")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--root-path", default="")
    parser.add_argument("--max-num-seqs", type=_positive, default=256)
    parser.add_argument("--max-model-len", type=_positive, default=8192)
    parser.add_argument("--shutdown-timeout", type=_seconds, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    for name, kind, default in _OWN:
        variable = f"SIMULATOR_{name.replace('-', '_').upper()}"
        parser.add_argument(f"--{name}", type=kind, default=environment.get(variable, default))
    # A bare flag, as an engine's arguments are written; the variable needs a word.
    garbled = environment.get("SIMULATOR_GARBLED", "false")
    parser.add_argument("--garbled", type=_truth, nargs="?", const=True, default=garbled)
    return parser


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ArgumentTypeError(f"{text} is neither true nor false")
    return text.lower() == "true"


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ArgumentTypeError(f"{text} is less than 1")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ArgumentTypeError(f"{text} is not a number of seconds")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ArgumentTypeError(f"{text} is less than 0")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


_OWN = (
    ("ttft", _seconds, "0.05"),
    ("time-per-token", _seconds, "0.01"),
    ("error-rate", _share, "0"),
    ("crash-after", _count, "0"),
    ("startup", _seconds, "0"),
)
