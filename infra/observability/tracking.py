"""What target tracking holds at the target: per replica of one slot, so that it falls as replicas are added.

A metric's name in the file, or an expression over a few words, becomes a line in CloudWatch's terms. Words
stand for the whole slot; the file's reference explains them. Requests per replica isn't here: AWS has a
predefined metric for it.
"""

import re

from infra.agent import catalogue
from infra.environment.model import Scaling
from infra.environment.slots import Market, Slot
from infra.observability.terms import at_balancer, of_group, published
from infra.observability.types import Line, Sources, Term

_MINUTE = 60
_REPLICAS = "SUM([replicas_spot, replicas_on_demand])"
_MEANING = {
    "requests": "requests",
    "in_flight": f"(in_flight_each * {_REPLICAS})",
    "queued": f"(queued_each * {_REPLICAS})",
    "tokens": f"(tokens_generated / {_MINUTE})",
    "replicas": _REPLICAS,
}
"""Each word in metric math over the terms below, at a period of a minute."""

WORDS = tuple(_MEANING)
"""What an expression may speak of."""
FUNCTIONS = frozenset({"ABS", "AVG", "CEIL", "FILL", "FLOOR", "IF", "MAX", "MIN", "SUM"})
"""What it may use of metric math."""

METRIC_OF_WORD = {
    "in_flight": catalogue.IN_FLIGHT,
    "queued": catalogue.QUEUED,
    "tokens": catalogue.GENERATED_TOKENS,
}
"""What an engine must tell for a word to have a value."""
WORD_OF_MEASURE = {"concurrency": "in_flight", "queue_depth": "queued", "tokens_per_second": "tokens"}

_WORD = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*\()")
_FUNCTION = re.compile(r"\b([A-Za-z_]\w*)\s*\(")


def words(expression: str) -> tuple[str, ...]:
    """The names in an expression, functions left out, in order."""
    return tuple(dict.fromkeys(_WORD.findall(expression)))


def functions(expression: str) -> tuple[str, ...]:
    """The functions in an expression, in order."""
    return tuple(dict.fromkeys(_FUNCTION.findall(expression)))


def tracked(environment: str, model: str, scaling: Scaling, slot: Slot, sources: Sources) -> Line | None:
    """What a policy of this slot tracks; None for the predefined requests per replica."""
    terms = {term.id: term for term in _terms(environment, model, slot, sources)}
    match scaling.measure:
        case "requests_per_replica":
            return None
        case "concurrency":
            return Line(label="requests in flight, per replica", terms=(terms["in_flight_each"],))
        case "queue_depth":
            return Line(label="requests waiting, per replica", terms=(terms["queued_each"],))
        case "tokens_per_second":
            return _math("tokens generated a second, per replica", "tokens / replicas", terms)
        case _:
            assert scaling.expression is not None, "the model says so"
            return _math(scaling.expression, scaling.expression, terms)


def _math(label: str, expression: str, terms: dict[str, Term]) -> Line:
    """The expression with its words spelt out, and the terms that they need.

    Metric math counts a missing value as zero. Where agents are silent, that would take replicas away from a
    slot that is busy; so there is no value unless all that should be told is told, and AWS waits.
    """
    spelt = _WORD.sub(lambda word: _MEANING[word.group()], expression)
    used = tuple(terms[each] for each in words(spelt) if each in terms)
    told = [f"{term.id} >= 0" for term in used if term.namespace == catalogue.NAMESPACE]
    if _REPLICAS in spelt:
        told.append(f"{_REPLICAS} > 0")
    return Line(label=label, terms=used, expression=f"IF({' AND '.join(told)}, {spelt})" if told else spelt)


def _terms(environment: str, model: str, slot: Slot, sources: Sources) -> tuple[Term, ...]:
    def told(metric: catalogue.Metric, statistic: str, id_: str) -> Term:
        return published(metric, statistic, id_=id_, environment=environment, model=model, slot=slot)

    return (
        at_balancer("RequestCount", "Sum", sources, id_="requests", slot=slot),
        told(catalogue.IN_FLIGHT, "Average", "in_flight_each"),
        told(catalogue.QUEUED, "Average", "queued_each"),
        told(catalogue.GENERATED_TOKENS, "Sum", "tokens_generated"),
        *(
            of_group(
                "GroupInServiceInstances",
                sources,
                slot,
                market,
                id_=f"replicas_{market}".replace("-", "_"),
            )
            for market in Market
        ),
    )
