"""What scaling follows can be measured: one metric or one expression, of figures that the engine tells."""

import re
from collections.abc import Iterator

from infra.engines import registry
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.model import Scaling
from infra.observability.measured import measured
from infra.observability.tracking import FUNCTIONS, METRIC_OF_WORD, WORD_OF_MEASURE, WORDS, functions, words

_MATH = re.compile(r"[\w\s.,+\-*/^()<>=!&|\[\]]+")


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, _ in subject.models:
        if not model.scaling:
            continue
        if model.scaling.metric and model.scaling.expression:
            yield Finding(
                place=("models", name, "scaling", "expression"),
                at_key=True,
                what="there is a metric as well",
                why="a group follows one of them",
                hint="remove metric, or expression",
            )
        elif problem := _problem(model.scaling.expression):
            yield Finding(
                place=("models", name, "scaling", "expression"),
                what=problem,
                why="it is CloudWatch metric math over the slot's own figures",
                allowed=", ".join(WORDS),
            )
        else:
            yield from _untold(subject, name, model.scaling)


def _problem(expression: str | None) -> str:
    """What is wrong with an expression, or nothing."""
    if expression is None:
        return ""
    if not _MATH.fullmatch(expression):
        return "it has characters that metric math doesn't know"
    if not _balanced(expression):
        return "its parentheses don't match"
    if unknown := [each for each in functions(expression) if each not in FUNCTIONS]:
        return f"there is no function {unknown[0]}; there are {', '.join(sorted(FUNCTIONS))}"
    if unknown := [each for each in words(expression) if each not in WORDS]:
        return f"{unknown[0]} is no figure of a slot"
    if not words(expression):
        return "it is the same whatever happens"
    return ""


def _balanced(expression: str) -> bool:
    closing = {")": "(", "]": "["}
    opened: list[str] = []
    for each in expression:
        if each in closing.values():
            opened.append(each)
        elif each in closing and (not opened or opened.pop() != closing[each]):
            return False
    return not opened


def _untold(subject: Subject, name: str, scaling: Scaling) -> Iterator[Finding]:
    told = measured(registry.launch(subject.environment, name))
    given = words(scaling.expression) if scaling.expression else (WORD_OF_MEASURE.get(scaling.measure, ""),)
    engine = subject.environment.models[name].engine.name
    for word in given:
        metric = METRIC_OF_WORD.get(word)
        if metric and metric.name not in told:
            yield Finding(
                place=("models", name, "scaling", "expression" if scaling.expression else "metric"),
                what=f"{engine} doesn't tell {word.replace('_', ' ')}",
                why="nothing would ever scale",
                hint="requests_per_replica is counted by the load balancer, for every engine",
            )


RULE = Rule(
    id="scaling",
    summary="One metric or one expression, of figures that the engine tells.",
    check=_check,
)
