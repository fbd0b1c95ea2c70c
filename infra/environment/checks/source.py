"""Weights come in a form that the engine loads."""

from collections.abc import Iterator

from infra.engines.base import Engine
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.source import Source, parse


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, engine in subject.models:
        if engine.known_args:
            message = _objection(parse(model.source), engine)
            if message:
                what, why, allowed = message
                yield Finding(place=("models", name, "source"), what=what, why=why, allowed=allowed)


def _objection(source: Source, engine: Engine) -> tuple[str, str, str] | None:
    if engine.vocabulary.loads_single_file:
        return _file(source, engine)
    if source.kind == "hf" and source.path:
        return (
            f"{source.path} is one file",
            f"{engine.name} loads whole repositories",
            f"hf://{source.repository}[@REVISION]",
        )
    if source.kind != "hf" and source.path.endswith(".gguf"):
        return (f"{source.path} is one file", f"{engine.name} loads a folder of weights", "a folder")
    return None


def _file(source: Source, engine: Engine) -> tuple[str, str, str] | None:
    if source.kind == "hf" and source.revision and not source.path:
        return (
            "a revision without a file can't be kept",
            f"{engine.name} downloads the newest unless the file is named",
            f"hf://{source.repository}/FILE.gguf@{source.revision}",
        )
    if not source.path.endswith(".gguf") and (source.kind != "hf" or source.path):
        return (
            f"{source.path} isn't a GGUF file",
            f"{engine.name} loads GGUF",
            "a path that ends with .gguf",
        )
    return None


RULE = Rule(id="source", summary="The engine can load the weights' form.", check=_check)
