"""What there is to see of a model and of an environment, as figures. Pure; see `types.py` for who shows them.

Two sources are told apart: what the load balancer counts (everything that a replica was sent, whether or not
its engine lived to tell) and what replicas publish (what engines know: tokens, queues, times to the last
token). A figure whose metrics the engine doesn't tell, or that needs a price that the file doesn't give, is
left out.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from infra.agent import catalogue
from infra.engines import registry
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.observability.lines import ELB, PERCENTILES, BalancerLines, GroupLines, ReplicaLines
from infra.observability.measured import measured
from infra.observability.serving import Serving
from infra.observability.types import Figure, Line, Sources, Term, Unit

__all__ = ["PERCENTILES", "Serving", "environment_figures", "figures", "releases_over_time"]

_COLD_START = {
    catalogue.COLD_START: "all",
    catalogue.COLD_START_BOOT: "boot",
    catalogue.COLD_START_FETCH: "fetch",
    catalogue.COLD_START_LOAD: "load",
    catalogue.COLD_START_FIRST_TOKEN: "to the first token",
}
_RELEASES = (
    (catalogue.REQUESTS, "Sum", "requests a minute"),
    (catalogue.GENERATED_TOKENS, "Sum", "tokens a minute"),
    (catalogue.IN_FLIGHT, "Average", "requests in each replica"),
)


def figures(
    environment: Environment, model: str, sources: Sources, *, release: Serving | None = None
) -> tuple[Figure, ...]:
    """The figures of a model, or of one of its releases: those that are told apart by release.

    Ids are stable. Of a model: requests, error_rate, errors, latency, ttft, tpot, tokens, load, kv_cache,
    batch, gpu, response_time, share, replicas, cost, cost_per_million, cold_start, spot_notices, failures.
    Of a release: requests to load.
    """
    replicas = ReplicaLines(environment, model, release)
    if release:
        return _with_lines(_requests_of_release(replicas) + _from_engine(replicas))
    return _with_lines(
        _from_balancer(BalancerLines(sources), replicas)
        + _from_engine(replicas)
        + _from_hardware(replicas)
        + _capacity(environment, model, sources, replicas)
        + _life(replicas)
    )


def environment_figures(environment: Environment, sources: Mapping[str, Sources]) -> tuple[Figure, ...]:
    """The figures of an environment, with a line for each model that has sources.

    Ids: requests, error_rate, balancer_errors, latency, ttft, tokens, queued, replicas, cost.
    """
    models = [model for model in environment.models if model in sources]

    def compared(id_: str, title: str, unit: Unit, line: Callable[[str], Line | None]) -> Figure:
        lines = [(model, line(model)) for model in models]
        return _figure(id_, title, unit, *(replace(each, label=model) for model, each in lines if each))

    def balancer(model: str) -> BalancerLines:
        return BalancerLines(sources[model])

    def groups(model: str) -> GroupLines:
        return GroupLines(environment, model, sources[model])

    def told(metric: catalogue.Metric, statistic: str) -> Callable[[str], Line | None]:
        return lambda model: ReplicaLines(environment, model).statistic(metric, statistic, model)

    return _with_lines(
        (
            compared("requests", "Requests", Unit.PER_SECOND, lambda model: balancer(model).requests()),
            compared("error_rate", "Errors", Unit.PERCENT, lambda model: balancer(model).error_rate()),
            _balancer_errors([each.balancer for each in sources.values()]),
            compared("latency", "Latency, p95", Unit.SECONDS, told(catalogue.LATENCY, "p95")),
            compared("ttft", "Time to first token, p95", Unit.SECONDS, told(catalogue.FIRST_TOKEN, "p95")),
            compared(
                "tokens",
                "Generated tokens",
                Unit.PER_SECOND,
                lambda model: ReplicaLines(environment, model).rate(catalogue.GENERATED_TOKENS, model),
            ),
            compared("queued", "Waiting, in each replica", Unit.COUNT, told(catalogue.QUEUED, "Average")),
            compared("replicas", "Replicas in service", Unit.COUNT, lambda model: groups(model).replicas()),
            compared("cost", "Cost an hour", Unit.DOLLARS, lambda model: groups(model).cost()),
        )
    )


def releases_over_time(environment: Environment, model: str) -> Figure:
    """What each release did. For dashboards: a search finds releases that aren't made yet.

    Requests, or else the next best that the engine tells; without lines when it tells nothing.
    """
    known = measured(registry.launch(environment, model))
    lines = [
        Line(label=label, terms=(), expression=_search(environment.environment, model, metric, statistic))
        for metric, statistic, label in _RELEASES
        if metric.name in known
    ]
    return _figure("releases", "Slots and releases", Unit.COUNT, *lines[:1])


def _search(environment: str, model: str, metric: catalogue.Metric, statistic: str) -> str:
    dimensions = ",".join(catalogue.Level.RELEASE.value)
    return (
        f'SEARCH(\'{{{catalogue.NAMESPACE},{dimensions}}} MetricName="{metric.name}" '
        f'environment="{environment}" model="{model}"\', \'{statistic}\', 60)'
    )


def _from_balancer(balancer: BalancerLines, replicas: ReplicaLines) -> tuple[Figure, ...]:
    slots = tuple(balancer.slot_requests(slot) for slot in Slot)
    shares = tuple(balancer.share(slot) for slot in Slot)
    response = (balancer.response_time(slot, each) for slot in Slot for each in PERCENTILES)
    return (
        _figure("requests", "Requests", Unit.PER_SECOND, balancer.requests(), *slots),
        _figure("error_rate", "Errors", Unit.PERCENT, balancer.error_rate()),
        _figure(
            "errors",
            "Errors by kind",
            Unit.PER_SECOND,
            balancer.errors("5xx"),
            balancer.errors("4xx"),
            replicas.rate(catalogue.SERVER_ERRORS, "failed in the engine"),
            replicas.rate(catalogue.ABORTED, "aborted"),
        ),
        _figure("response_time", "Time until the answer begins", Unit.SECONDS, *response),
        _figure("share", "Share of the requests, by slot", Unit.PERCENT, *shares),
    )


def _requests_of_release(replicas: ReplicaLines) -> tuple[Figure, ...]:
    return (
        _figure("requests", "Requests", Unit.PER_SECOND, replicas.rate(catalogue.REQUESTS, "all")),
        _figure("error_rate", "Errors", Unit.PERCENT, replicas.error_rate()),
    )


def _from_engine(replicas: ReplicaLines) -> tuple[Figure, ...]:
    tokens = (
        replicas.rate(catalogue.PROMPT_TOKENS, "prompt"),
        replicas.rate(catalogue.GENERATED_TOKENS, "generated"),
    )
    load = (
        replicas.statistic(catalogue.IN_FLIGHT, "Average", "in flight"),
        replicas.statistic(catalogue.QUEUED, "Average", "waiting"),
    )
    first, each = catalogue.FIRST_TOKEN, catalogue.PER_TOKEN
    return (
        _figure("latency", "Latency", Unit.SECONDS, *replicas.percentiles(catalogue.LATENCY)),
        _figure("ttft", "Time to first token", Unit.SECONDS, *replicas.percentiles(first)),
        _figure("tpot", "Time per output token", Unit.SECONDS, *replicas.percentiles(each)),
        _figure("tokens", "Tokens", Unit.PER_SECOND, *tokens),
        _figure("load", "Requests in each replica", Unit.COUNT, *load),
    )


def _from_hardware(replicas: ReplicaLines) -> tuple[Figure, ...]:
    cache, gpu, memory = catalogue.KV_CACHE, catalogue.GPU, catalogue.GPU_MEMORY
    return (
        _figure(
            "kv_cache",
            "KV cache in use",
            Unit.PERCENT,
            replicas.statistic(cache, "Average", "average"),
            replicas.statistic(cache, "Maximum", "fullest"),
        ),
        _figure(
            "batch",
            "Batch occupancy",
            Unit.PERCENT,
            replicas.statistic(catalogue.BATCH, "Average", "average"),
        ),
        _figure(
            "gpu",
            "GPU",
            Unit.PERCENT,
            replicas.statistic(gpu, "Average", "use"),
            replicas.statistic(memory, "Average", "memory"),
        ),
    )


def _capacity(
    environment: Environment, model: str, sources: Sources, replicas: ReplicaLines
) -> tuple[Figure, ...]:
    groups = GroupLines(environment, model, sources)
    generated = replicas.generated()
    markets = (groups.in_service(market) for market in Market)
    return (
        _figure("replicas", "Replicas", Unit.COUNT, groups.replicas(), groups.wanted(), *markets),
        _figure("cost", "Cost an hour", Unit.DOLLARS, groups.cost()),
        _figure(
            "cost_per_million",
            "Cost of a million tokens",
            Unit.DOLLARS,
            groups.cost_per_million(generated) if generated else None,
        ),
    )


def _life(replicas: ReplicaLines) -> tuple[Figure, ...]:
    phases = (replicas.statistic(metric, "Average", label) for metric, label in _COLD_START.items())
    return (
        _figure("cold_start", "Cold start", Unit.SECONDS, *phases),
        _figure(
            "spot_notices",
            "Spot interruption notices",
            Unit.COUNT,
            replicas.statistic(catalogue.SPOT_NOTICES, "Sum", "notices"),
        ),
        _figure(
            "failures",
            "Failures",
            Unit.COUNT,
            replicas.statistic(catalogue.ENGINE_FAILURES, "Sum", "engines"),
            replicas.statistic(catalogue.SCRAPE_FAILURES, "Sum", "unread metrics"),
        ),
    )


def _balancer_errors(balancers: list[str]) -> Figure:
    """What the balancer answered itself, because no replica could: it can't be told by model."""
    lines = [
        Line(
            label=status,
            terms=(
                Term(
                    id="errors",
                    namespace=ELB,
                    name=f"HTTPCode_ELB_{status.upper()}_Count",
                    dimensions=(("LoadBalancer", balancers[0]),),
                    statistic="Sum",
                ),
            ),
            expression="errors/PERIOD(errors)",
        )
        for status in ("5xx", "4xx")
        if balancers
    ]
    return _figure("balancer_errors", "Answered by the balancer itself", Unit.PER_SECOND, *lines)


def _figure(id_: str, title: str, unit: Unit, *lines: Line | None) -> Figure:
    return Figure(id=id_, title=title, unit=unit, lines=tuple(line for line in lines if line))


def _with_lines(found: Iterable[Figure]) -> tuple[Figure, ...]:
    return tuple(figure for figure in found if figure.lines)
