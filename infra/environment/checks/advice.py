"""What works, but not for long: advice, never an error, and none for the emulated cloud."""

from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.model import Model
from infra.environment.source import parse

_RULES_OF_BALANCER = 100
_RULES_OF_MODEL = 3
"""Its own, and one to each slot."""


def _check(subject: Subject) -> Iterator[Finding]:
    if subject.environment.provider.name == "embedded":
        return
    yield from _rules(subject)
    for name, model, _ in subject.models:
        yield from _release(name, model)
        yield from _capacity(name, model)
        yield from _replicas(name, model, protect=subject.environment.protect)


def _rules(subject: Subject) -> Iterator[Finding]:
    models = [name for name, _, _ in subject.models]
    fit = _RULES_OF_BALANCER // _RULES_OF_MODEL
    if len(models) > fit:
        yield Finding(
            place=("models", models[fit]),
            what=f"{len(models)} models need {_RULES_OF_MODEL * len(models)} rules of the load balancer",
            why=f"an account has {_RULES_OF_BALANCER} unless it asks for more: enough for {fit} models",
            hint="raise the quota `Rules per Application Load Balancer`, or split the environment",
            severity="advice",
            at_key=True,
        )


def _release(name: str, model: Model) -> Iterator[Finding]:
    source = parse(model.source)
    if source.kind == "hf" and source.revision in (None, "main"):
        yield Finding(
            place=("models", name, "source"),
            what="the revision isn't pinned",
            why="replicas that start later could serve other weights",
            hint=f"add @ and a commit of {source.repository}",
            severity="advice",
        )
    if model.engine.version in ("latest", "nightly", "server", "server-cuda"):
        yield Finding(
            place=("models", name, "engine", "version"),
            what=f"{model.engine.version} changes by itself",
            why="replicas that start later could run another engine",
            hint="name a release",
            severity="advice",
        )


def _capacity(name: str, model: Model) -> Iterator[Finding]:
    on_spot = model.replicas.max > model.spot.on_demand_base
    if len(model.instances.zones) == 1:
        yield Finding(
            place=("models", name, "instances", "zones"),
            what="all replicas are in one zone",
            why="they share its failures and its spot market",
            hint="list two or three",
            severity="advice",
        )
    if on_spot and len(model.instances.types) == 1:
        yield Finding(
            place=("models", name, "instances", "types"),
            what="there is one type to buy on the spot market",
            why="when it runs out, so does the model",
            hint="list other types with the same number of GPUs",
            severity="advice",
        )


def _replicas(name: str, model: Model, *, protect: bool) -> Iterator[Finding]:
    replicas = model.replicas
    if protect and replicas.min < 2:
        yield Finding(
            place=("models", name, "replicas", "min"),
            what=f"{replicas.min} replica{'s' if replicas.min != 1 else ''} in a protected environment",
            why="an interruption takes the model away",
            hint="set at least 2",
            severity="advice",
        )
    if model.scaling is None and replicas.max > replicas.min:
        yield Finding(
            place=("models", name, "replicas", "max"),
            what="nothing scales the model",
            why="without scaling it stays at its minimum",
            hint="add scaling: {target: ...}",
            severity="advice",
        )


RULE = Rule(
    id="advice",
    summary="Pinned versions, several zones and types, two replicas where it matters, and no more models "
    "than a load balancer has rules for (advice only).",
    check=_check,
)
