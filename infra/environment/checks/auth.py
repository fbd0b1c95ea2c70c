"""A key that no engine demands protects nothing."""

from collections.abc import Iterator

from infra.engines.base import API_KEY_REFERENCE, Engine
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.model import Model


def _check(subject: Subject) -> Iterator[Finding]:
    wanted = subject.environment.endpoint.auth == "api-key"
    for name, model, engine in subject.models:
        variables = [key for key, value in model.engine.env.items() if value == API_KEY_REFERENCE]
        if wanted and not engine.has_api_key and not (engine.needs_image and variables):
            yield _undemanded(name, engine)
        yield from _references(name, model, engine, variables, wanted)


def _undemanded(name: str, engine: Engine) -> Finding:
    return Finding(
        place=("models", name, "engine", "name"),
        what=f"{engine.name} can't demand the endpoint's key",
        why="endpoint.auth is api-key, and the model would answer without one",
        hint=f"if the image reads a key from a variable, write env: {{NAME: {API_KEY_REFERENCE}}}; "
        "else write auth: none and keep allow_cidrs narrow"
        if engine.needs_image
        else "write auth: none and keep allow_cidrs narrow, or choose vllm, tgi or llama.cpp",
    )


def _references(
    name: str, model: Model, engine: Engine, variables: list[str], wanted: bool
) -> Iterator[Finding]:
    for index, variable in enumerate(variables):
        place = ("models", name, "engine", "env", variable)
        if engine.has_api_key:
            why = f"{engine.name} gets the key by itself"
        elif not wanted:
            why = "endpoint.auth is none: there is no key"
        elif index:
            why = f"{variables[0]} gets the key already"
        else:
            continue
        yield Finding(place=place, what=f"{variable} can't get the key", why=why, hint="remove it")


RULE = Rule(
    id="auth",
    summary="With `auth: api-key`, every engine can demand the key.",
    check=_check,
)
