"""Risks of too little memory to spare, and of an environment that one command takes down."""

from collections.abc import Iterator

from infra.environment.instances import catalogue
from infra.environment.memory import Room, room
from infra.environment.model import Model
from infra.risk.types import Found, Rule, Severity, Subject

_LITTLE = 0.1
"""Of the memory that the engine may use: the arithmetic is not more exact than that (docs/fit.md)."""
_PRODUCTION = "prod"
"""What names of environments that matter start with."""


def _tight(subject: Subject) -> Iterator[Found]:
    for name, after, types in _affected(subject):
        for type_ in types:
            found = room(catalogue()[type_], after) if type_ in catalogue() else None
            if found and (left := _short_of(found)):
                yield Found(name, f"{name} fits {type_} with {left}")


def _affected(subject: Subject) -> Iterator[tuple[str, Model, tuple[str, ...]]]:
    """Models with the types whose fit the change puts to the test: the new ones, or all for a new release.

    What replicas do on the same types is no news; what they need is another thing with another source, engine
    or context.
    """
    before = subject.before.models if subject.before else {}
    for name, after in subject.after.models.items():
        old = before.get(name)
        same = old is not None and _needs(old) == _needs(after)
        known = old.instances.types if old is not None and same else ()
        yield name, after, tuple(each for each in after.instances.types if each not in known)


def _needs(model: Model) -> tuple[object, ...]:
    return model.source, model.engine, model.architecture, model.batching


def _short_of(found: Room) -> str:
    """How little is left, in words; empty when it is enough, or when the model doesn't fit at all.

    Without GPUs memory is the instance's own, where nothing is reserved ahead.
    """
    spare, sequence = found.spare, found.another
    little = spare < _LITTLE * found.capacity or spare < sequence
    if spare < 0 or not found.gpus or not little:
        return ""
    text = f"{spare:.1f} of {found.capacity:.1f} GiB to spare"
    return text + (f", and another sequence of full length takes {sequence:.1f}" if sequence else "")


def _unprotected(subject: Subject) -> Iterator[Found]:
    after = subject.after
    if after.environment.startswith(_PRODUCTION) and not after.protect:
        yield Found("", f"{after.environment} is called like production, and `destroy` would not be refused")


RULES = (
    Rule(
        id="tight-fit",
        severity=Severity.WARNING,
        why="Long requests wait for each other, and a newer engine may need more than is left.",
        remedy="Shorten the context, quantise, or name larger types; try it first: `llmctl bench`.",
        look=_tight,
    ),
    Rule(
        id="unprotected",
        severity=Severity.NOTE,
        why="One command takes the environment down, by mistake too.",
        remedy="Set protect to true.",
        look=_unprotected,
    ),
)
