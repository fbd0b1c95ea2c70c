"""The budget alarm: what the instances cost an hour, against what they may.

CloudWatch lets an alarm look at ten metrics, and no alarm can read another's value, so the cost of many
models can't be summed in one. A model takes four (both slots, both markets): two models fit. With more, the
models are put in pairs, and the budget is shared among the pairs in proportion to what each costs at its
largest. While no pair exceeds its share, the environment can't exceed its budget; the price is that a pair
may be told off while another leaves its share unused.
"""

from collections.abc import Iterator, Mapping, Sequence

from infra.environment.capacity import bounds
from infra.environment.model import Environment, Model, Price
from infra.environment.slots import Market, Slot
from infra.observability.terms import of_group
from infra.observability.types import Alarm, Line, Missing, Sources, Term

_MODELS_IN_ALARM = 2
_PERIODS = 60
"""Minutes: a budget is by the hour, and a release that replaces another needs both for a while."""


def budget_alarms(environment: Environment, sources: Mapping[str, Sources]) -> tuple[Alarm, ...]:
    """The alarms that keep the budget; none without one. Raises ValueError if a model has no price."""
    if environment.monitoring.budget is None:
        return ()
    return tuple(_alarms(environment, environment.monitoring.budget, sources))


def _alarms(environment: Environment, budget: float, sources: Mapping[str, Sources]) -> Iterator[Alarm]:
    largest = {name: _largest_cost(model) for name, model in environment.models.items()}
    models = list(environment.models)
    chunks = [models[at : at + _MODELS_IN_ALARM] for at in range(0, len(models), _MODELS_IN_ALARM)]
    for chunk in chunks:
        share = budget * sum(largest[name] for name in chunk) / sum(largest.values())
        whose = "the instances" if len(chunks) == 1 else f"the instances of {' and '.join(chunk)}"
        yield Alarm(
            kind="budget",
            model=None,
            part="" if len(chunks) == 1 else "-".join(chunk),
            line=_cost(environment, chunk, sources),
            comparison="GreaterThanThreshold",
            threshold=round(share, 2),
            period_seconds=60,
            periods=_PERIODS,
            datapoints=_PERIODS,
            missing=Missing.IGNORE,
            meaning=f"For {_PERIODS} minutes, {whose} have cost more than ${share:.2f} an hour.",
            why_missing="groups report each minute whatever happens: a gap is CloudWatch's own",
        )


def _cost(environment: Environment, models: Sequence[str], sources: Mapping[str, Sources]) -> Line:
    """Of all instances that are billed: those that start and those that drain, too."""
    terms: list[Term] = []
    parts: list[str] = []
    for number, name in enumerate(models):
        price = _price(environment.models[name])
        for market, dollars in ((Market.SPOT, price.spot), (Market.ON_DEMAND, price.on_demand)):
            found = [
                of_group(
                    "GroupTotalInstances",
                    sources[name],
                    slot,
                    market,
                    id_=f"model{number}_{slot}_{market}".replace("-", "_"),
                )
                for slot in Slot
            ]
            terms += found
            parts.append(f"SUM([{', '.join(term.id for term in found)}]) * {dollars:g}")
    return Line(label="dollars an hour", terms=tuple(terms), expression=" + ".join(parts))


def _largest_cost(model: Model) -> float:
    """Of one slot: the shares only compare models with each other."""
    price = _price(model)
    base = bounds(model, Market.ON_DEMAND).min
    return bounds(model, Market.SPOT).max * price.spot + base * price.on_demand


def _price(model: Model) -> Price:
    if model.instances.price is None:
        raise ValueError("the check of the file demands a price for each model where there is a budget")
    return model.instances.price
