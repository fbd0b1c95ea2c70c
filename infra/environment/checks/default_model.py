"""The model that answers on the bare endpoint has to be one of the models."""

from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.problems import did_you_mean, listed


def _check(subject: Subject) -> Iterator[Finding]:
    name, models = subject.environment.endpoint.default_model, subject.environment.models
    if name is not None and name not in models:
        yield Finding(
            place=("endpoint", "default_model"),
            what=f"there is no model {name}",
            allowed=listed(models),
            hint=did_you_mean(name, models),
        )


RULE = Rule(
    id="default-model", summary="`default_model` is one of the models.", check=_check, across_models=True
)
