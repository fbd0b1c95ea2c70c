"""How our metrics are read from engines' pages: against pages whose headers say where they are from."""

from pathlib import Path

import msgspec
import pytest

from infra.agent.catalogue import METRICS, Kind, Level
from infra.agent.config import Launch, Reading
from infra.agent.telemetry.changes import Changes
from infra.agent.telemetry.exposition import parse
from infra.engines.readings import bentoml, llama_cpp, ray_serve, sglang, tgi, vllm
from infra.engines.registry import launch
from infra.environment.model import Environment
from tests.unit.environment.builders import changed

PAGES = Path(__file__).parent / "expositions"
READINGS = {
    "vllm": vllm.READINGS,
    "vllm-0.8": vllm.READINGS,
    "sglang": sglang.READINGS,
    "sglang-0.4": sglang.READINGS,
    "tgi": tgi.READINGS,
    "llama.cpp": llama_cpp.READINGS,
    "bentoml": bentoml.READINGS,
    "ray-serve": ray_serve.READINGS,
}
NAMES = {"vLLM": "vllm", "SGLang": "sglang", "TGI": "tgi", "BentoML": "bentoml", "Ray Serve": "ray-serve"}

Figures = dict[str, float | tuple[int, float]]

TOKENS: Figures = {"PromptTokens": 900, "GeneratedTokens": 4000}
ERRORS: Figures = {"ClientErrors": 3, "ServerErrors": 1}
LOAD: Figures = {"InFlight": 5, "Queued": 2}
FIRST_TOKEN: Figures = {"TimeToFirstToken": (20, 1.6)}
LATENCY: Figures = {"Latency": (20, 48.0)}
PER_REQUEST: Figures = {"TimePerOutputToken": (20, 0.22)}
GAPS: Figures = {"TimePerOutputToken": (3980, 42.0)}
SHORT_GAPS: Figures = {"TimePerOutputToken": (3980, 35.0)}
EXPECTED: dict[str, Figures] = {
    "vllm": {
        "Requests": 24,
        "Aborted": 1,
        "KvCacheUse": 25,
        **(TOKENS | ERRORS | LOAD | FIRST_TOKEN | LATENCY | PER_REQUEST),
    },
    "vllm-0.8": {
        "Requests": 20,
        "Aborted": 1,
        "KvCacheUse": 25,
        "ClientErrors": 0,
        "ServerErrors": 0,
        **(TOKENS | LOAD | FIRST_TOKEN | LATENCY | GAPS),
    },
    "sglang": {
        "Requests": 24,
        "Aborted": 1,
        "KvCacheUse": 25,
        **(TOKENS | ERRORS | LOAD | FIRST_TOKEN | LATENCY | SHORT_GAPS),
    },
    "sglang-0.4": {
        "Requests": 20,
        "Aborted": 1,
        "KvCacheUse": 25,
        "ClientErrors": 0,
        "ServerErrors": 0,
        **(TOKENS | LOAD | FIRST_TOKEN | LATENCY | SHORT_GAPS),
    },
    "tgi": {"Requests": 25, "Aborted": 1, **(TOKENS | ERRORS | LOAD | LATENCY | PER_REQUEST)},
    "llama.cpp": {"PromptTokens": 8, "GeneratedTokens": 32, "InFlight": 0, "Queued": 0},
    "bentoml": {"Requests": 24, "InFlight": 3, **(ERRORS | LATENCY)},
    "ray-serve": {
        "Requests": 24,
        "InFlight": 3,
        "Queued": 2,
        **(TOKENS | ERRORS | FIRST_TOKEN | LATENCY),
    },
}
OLD_ONLY = {"vllm:gpu_cache_usage_perc", "llamacpp:kv_cache_usage_ratio"}


def text(name: str) -> str:
    """The page of an engine."""
    return (PAGES / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", READINGS)
def test_readings_find_what_the_page_says(name: str) -> None:
    """A metric read wrongly misleads alarms, scaling and rollouts alike."""
    engine = Launch(image="i", args=(), readings=READINGS[name])
    found = Changes(engine).look(parse(text(name)), 1)
    seen: dict[str, object] = dict(found.counts)
    for metric, values in found.values.items():
        total = sum(value * times for value, times in values.items())
        times = METRICS[metric].kind is Kind.TIMES
        seen[metric] = (sum(values.values()), pytest.approx(total)) if times else next(iter(values))
    assert seen == EXPECTED[name]


@pytest.mark.parametrize("name", ["vllm", "sglang", "tgi", "llama.cpp", "bentoml", "ray-serve"])
def test_every_reading_has_a_sample_in_some_version(name: str) -> None:
    """A reading that never finds anything is a typing error."""
    pages = [parse(text(each)) for each in READINGS if each.split("-0")[0] == name]

    def finds(reading: Reading) -> bool:
        names = (reading.sample, f"{reading.sample}_bucket")
        return any(page.select(each, reading.labels) for page in pages for each in names)

    missing = {reading.sample for reading in READINGS[name] if not finds(reading)}
    assert missing <= OLD_ONLY


@pytest.mark.parametrize("name", READINGS)
def test_pages_say_where_they_are_from(name: str) -> None:
    """Nobody may take a composed page for a captured one."""
    header = text(name).splitlines()[0]
    assert header.startswith(("# Captured from a running server", "# Composed after"))


@pytest.mark.parametrize("name", ["vllm", "sglang", "tgi", "llama.cpp", "bentoml", "simulator"])
def test_draining_and_figures_read_the_same_gauges(name: str) -> None:
    """What is drained to zero is what dashboards show as in flight."""
    section = {"name": name, "version": "1", "image": "own/chat"}
    environment = msgspec.convert(changed(("models/chat/engine", section)), Environment)
    started = launch(environment, "chat")
    gauges = {each.sample for each in started.readings if each.metric == "InFlight"}
    assert gauges == set(started.in_flight_metrics)


def rows() -> dict[str, list[str]]:
    """The catalogue's table in docs/metrics.md, by metric."""
    lines = (Path(__file__).parents[3] / "docs/metrics.md").read_text().splitlines()
    table = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")
    ]
    return {cells[0].strip("`"): cells[1:] for cells in table if cells[0].strip("`") in METRICS}


def test_the_document_is_the_catalogue() -> None:
    """People look up units, levels and engines there."""
    documented = rows()
    assert list(documented) == list(METRICS)
    for name, metric in METRICS.items():
        unit, kind, levels, engines = documented[name][:4]
        assert (unit, kind) == (metric.unit.lower(), metric.kind.value)
        assert levels == ", ".join(each.name.lower() for each in Level if each in metric.levels)
        have = {label for label, page in NAMES.items() if any(r.metric == name for r in READINGS[page])}
        have |= {"llama.cpp"} if any(r.metric == name for r in llama_cpp.READINGS) else set()
        if len(have) == len(NAMES) + 1:
            assert engines == "all with metrics"
        elif have:
            assert set(engines.split(", ")) == have
        else:
            assert engines in ("all", "with a batch size", "with GPUs")
