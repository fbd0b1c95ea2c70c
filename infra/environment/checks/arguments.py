"""Engine arguments exist, and don't contradict what llmctl sets itself."""

from collections.abc import Iterator

from infra.engines.base import Engine
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.problems import did_you_mean


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, engine in subject.models:
        for argument in model.engine.args:
            finding = _argument(("models", name, "engine", "args", argument), argument, engine)
            if finding:
                yield finding


def _argument(place: tuple[str, ...], argument: str, engine: Engine) -> Finding | None:
    reserved = engine.vocabulary.reserved
    plain = argument.lstrip("-").replace("_", "-")
    if plain in reserved:
        return Finding(
            place=place,
            what=f"{plain} is set by llmctl",
            why=reserved[plain],
            hint="remove it",
            at_key=True,
        )
    if not engine.known_args or argument in engine.known_args:
        return None
    if plain in engine.known_args:
        hint = f"write {plain}"
    elif plain.startswith("no-") and plain.removeprefix("no-") in engine.known_args:
        hint = f"write {plain.removeprefix('no-')}: false"
    else:
        hint = did_you_mean(plain, engine.known_args - reserved.keys())
    return Finding(
        place=place,
        what=f"{engine.name} has no argument {argument}",
        why="it would refuse to start",
        hint=hint or "see its documentation; a newer engine's argument can be set by an environment variable",
        at_key=True,
    )


RULE = Rule(
    id="arguments",
    summary="The engine knows each argument, and none is one that llmctl sets.",
    check=_check,
)
