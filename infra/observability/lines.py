"""The lines that figures are made of: for one model, each in CloudWatch's terms.

A count that AWS reports only when it isn't zero (requests, errors) is filled with zero, or a sum over both
slots would be missing whenever one of them is idle. A state is never filled: where nobody tells, there is a
gap and not a zero.
"""

from infra.agent import catalogue
from infra.agent.catalogue import Level, Metric
from infra.engines import registry
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.observability.measured import measured
from infra.observability.serving import Serving
from infra.observability.types import Line, Sources, Term

ELB = "AWS/ApplicationELB"
GROUPS = "AWS/AutoScaling"
PERCENTILES = ("p50", "p95", "p99")
_TOKENS_TO_MILLIONS_AN_HOUR = 3600 / 1e6


class BalancerLines:
    """What the load balancer counts for a model's two slots."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def requests(self) -> Line:
        """Requests per second that reached a replica of the model."""
        return _line("all", f"{_both('requests')}/PERIOD(requests_blue)", *self._terms("RequestCount"))

    def slot_requests(self, slot: Slot) -> Line:
        """Requests per second of a slot."""
        term = self._term(f"requests_{slot}", "RequestCount", slot)
        return _line(slot.value, f"{term.id}/PERIOD({term.id})", term)

    def share(self, slot: Slot) -> Line:
        """The slot's part of the model's requests, in percent: the weights as they are observed."""
        return _line(
            slot.value,
            f"100*FILL(requests_{slot},0)/{_both('requests')}",
            *self._terms("RequestCount"),
        )

    def errors(self, status: str) -> Line:
        """Answers per second of a replica with status 5xx or 4xx."""
        terms = self._terms(f"HTTPCode_Target_{status.upper()}_Count", "errors")
        return _line(status, f"{_both('errors')}/PERIOD(errors_blue)", *terms)

    def error_rate(self) -> Line:
        """Part of the model's requests that a replica answered with 5xx, in percent."""
        terms = (*self._terms("HTTPCode_Target_5XX_Count", "errors"), *self._terms("RequestCount"))
        return _line("5xx", f"100*{_both('errors')}/{_both('requests')}", *terms)

    def response_time(self, slot: Slot, percentile: str) -> Line:
        """Until a replica began to answer."""
        term = self._term("response", "TargetResponseTime", slot, percentile)
        return _line(f"{percentile} {slot}", None, term)

    def slot_counts(self, slot: Slot) -> tuple[Line, Line]:
        """How many requests a slot had, and how many of them its replicas answered with 5xx."""
        return (
            _line("requests", None, self._term("requests", "RequestCount", slot)),
            _line("errors", None, self._term("errors", "HTTPCode_Target_5XX_Count", slot)),
        )

    def _terms(self, name: str, prefix: str = "requests") -> tuple[Term, ...]:
        return tuple(self._term(f"{prefix}_{slot}", name, slot) for slot in Slot)

    def _term(self, id_: str, name: str, slot: Slot, statistic: str = "Sum") -> Term:
        return Term(
            id=id_,
            namespace=ELB,
            name=name,
            dimensions=(
                ("LoadBalancer", self._sources.balancer),
                ("TargetGroup", self._sources.target_groups[slot]),
            ),
            statistic=statistic,
        )


class GroupLines:
    """What the autoscaling groups tell: sizes, and with prices what they cost."""

    def __init__(self, environment: Environment, model: str, sources: Sources) -> None:
        self._price = environment.models[model].instances.price
        self._sources = sources

    def in_service(self, market: Market) -> Line:
        """Replicas of one market, in both slots."""
        terms = self._terms("GroupInServiceInstances", market)
        return _line(market.value, _plus(terms), *terms)

    def replicas(self) -> Line:
        """Replicas in service."""
        terms = self._terms("GroupInServiceInstances")
        return _line("in service", _plus(terms), *terms)

    def wanted(self) -> Line:
        """Replicas that the groups want."""
        terms = self._terms("GroupDesiredCapacity")
        return _line("wanted", _plus(terms), *terms)

    def cost(self) -> Line | None:
        """Dollars an hour for all instances that are billed; None without a price."""
        found = self._cost()
        return _line("instances", found[0], *found[1]) if found else None

    def cost_per_million(self, generated: Term) -> Line | None:
        """Dollars for a million generated tokens; None without a price."""
        found = self._cost()
        if not found:
            return None
        millions = f"({generated.id}/PERIOD({generated.id})*{_TOKENS_TO_MILLIONS_AN_HOUR})"
        return _line("per million generated tokens", f"({found[0]})/{millions}", *found[1], generated)

    def _cost(self) -> tuple[str, tuple[Term, ...]] | None:
        if self._price is None:
            return None
        prices = {Market.SPOT: self._price.spot, Market.ON_DEMAND: self._price.on_demand}
        terms = {market: self._terms("GroupTotalInstances", market) for market in Market}
        parts = [f"({_plus(terms[market])})*{prices[market]}" for market in Market]
        return "+".join(parts), tuple(term for market in Market for term in terms[market])

    def _terms(self, name: str, only: Market | None = None) -> tuple[Term, ...]:
        return tuple(
            Term(
                id=f"{slot}_{market}".replace("-", "_"),
                namespace=GROUPS,
                name=name,
                dimensions=(("AutoScalingGroupName", self._sources.groups[slot, market]),),
                statistic="Average",
            )
            for slot in Slot
            for market in Market
            if only in (None, market)
        )


class ReplicaLines:
    """What replicas publish, of a model or of one release; None for what its engine doesn't tell."""

    def __init__(self, environment: Environment, model: str, release: Serving | None = None) -> None:
        self._known = measured(registry.launch(environment, model))
        self._level = Level.RELEASE if release else Level.MODEL
        values = {"environment": environment.environment, "model": model}
        if release:
            values |= {"slot": release.slot.value, "release": str(release.release)}
        self._dimensions = tuple((name, values[name]) for name in self._level.value)

    def statistic(self, metric: Metric, statistic: str, label: str) -> Line | None:
        """A statistic as it is."""
        if not self._tells(metric):
            return None
        return _line(label, None, self.term(metric, statistic, "value"))

    def rate(self, metric: Metric, label: str) -> Line | None:
        """How many a second."""
        if not self._tells(metric):
            return None
        return _line(label, "count/PERIOD(count)", self.term(metric, "Sum", "count"))

    def percentiles(self, metric: Metric) -> tuple[Line | None, ...]:
        """p50, p95 and p99."""
        return tuple(self.statistic(metric, each, each) for each in PERCENTILES)

    def error_rate(self) -> Line | None:
        """Part of the finished requests that failed on the server's side, in percent."""
        if not (self._tells(catalogue.REQUESTS) and self._tells(catalogue.SERVER_ERRORS)):
            return None
        return _line(
            "failed",
            "100*FILL(errors,0)/requests",
            self.term(catalogue.SERVER_ERRORS, "Sum", "errors"),
            self.term(catalogue.REQUESTS, "Sum", "requests"),
        )

    def generated(self) -> Term | None:
        """Tokens generated, as a term for expressions."""
        if not self._tells(catalogue.GENERATED_TOKENS):
            return None
        return self.term(catalogue.GENERATED_TOKENS, "Sum", "generated")

    def term(self, metric: Metric, statistic: str, id_: str) -> Term:
        """A term of a metric of the catalogue, on this level."""
        return Term(
            id=id_,
            namespace=catalogue.NAMESPACE,
            name=metric.name,
            dimensions=self._dimensions,
            statistic=statistic,
        )

    def _tells(self, metric: Metric) -> bool:
        return metric.name in self._known and self._level in metric.levels


def _line(label: str, expression: str | None, *terms: Term) -> Line:
    return Line(label=label, terms=terms, expression=expression)


def _both(prefix: str) -> str:
    return f"(FILL({prefix}_{Slot.BLUE},0)+FILL({prefix}_{Slot.GREEN},0))"


def _plus(terms: tuple[Term, ...]) -> str:
    return "+".join(term.id for term in terms)
