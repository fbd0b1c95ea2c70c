"""The GPUs that share a model exist, and divide it evenly."""

from collections.abc import Iterator

from infra.engines.base import Engine
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.document import Place
from infra.environment.instances import gpus
from infra.environment.model import Model


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, engine in subject.models:
        if engine.vocabulary.tensor_parallel:
            yield from _model(name, model, engine)


def _model(name: str, model: Model, engine: Engine) -> Iterator[Finding]:
    available = gpus(model.instances.types)
    argument = next((each for each in engine.vocabulary.tensor_parallel if each in model.engine.args), None)
    place: Place = ("models", name, "engine", "args", argument) if argument else ("models", name, "engine")
    size = model.engine.args[argument] if argument else available
    if isinstance(size, bool) or not isinstance(size, int) or (argument and size < 1):
        yield Finding(place=place, what=f"{size} isn't a number of GPUs", allowed=f"1 to {max(available, 1)}")
        return
    if argument and available and size > available:
        yield Finding(
            place=place,
            what=f"{argument} is {size}, and the instances have {_count(available)}",
            why="a model is spread over one instance at most",
            allowed=f"1 to {available}" if available > 1 else "1",
            hint="choose types with more GPUs",
        )
    heads = model.architecture.attention_heads if model.architecture else None
    if heads and size > 1 and heads % size:
        yield Finding(
            place=place,
            what=f"{heads} attention heads can't be divided by {size} GPUs",
            why=f"each GPU takes as many heads; {engine.name} would refuse to start",
            allowed=", ".join(str(each) for each in range(1, available + 1) if heads % each == 0),
            hint="" if argument else f"set engine.args.{engine.vocabulary.tensor_parallel[0]}",
        )


def _count(number: int) -> str:
    return f"{number} GPU{'s' if number != 1 else ''}"


RULE = Rule(
    id="parallel",
    summary="Tensor parallelism fits the instance's GPUs and divides the attention heads.",
    check=_check,
)
