"""What the schema can't express, one rule a file.

The registry is explicit: a rule that isn't listed here doesn't exist, and the reference lists them in this
order.
"""

from collections.abc import Iterator

from infra.environment.checks import (
    account,
    advice,
    arguments,
    auth,
    capture,
    default_model,
    egress,
    endpoint,
    fit,
    image,
    instances,
    lifetime,
    monitoring,
    name,
    network,
    parallel,
    replicas,
    rollout,
    routing,
    scaling,
    schedule,
    secrets,
    source,
    spot,
    tags,
    zones,
)
from infra.environment.checks.base import Rule, Subject
from infra.environment.document import Document
from infra.environment.model import Environment
from infra.environment.problems import Problem

RULES: tuple[Rule, ...] = (
    name.RULE,
    account.RULE,
    network.RULE,
    egress.RULE,
    endpoint.RULE,
    auth.RULE,
    default_model.RULE,
    routing.RULE,
    zones.RULE,
    instances.RULE,
    image.RULE,
    source.RULE,
    arguments.RULE,
    secrets.RULE,
    parallel.RULE,
    fit.RULE,
    replicas.RULE,
    spot.RULE,
    schedule.RULE,
    scaling.RULE,
    rollout.RULE,
    capture.RULE,
    monitoring.RULE,
    tags.RULE,
    lifetime.RULE,
    advice.RULE,
)


def run(environment: Environment, document: Document, *, whole: bool = True) -> Iterator[Problem]:
    """Apply every rule; `whole` is False when models of the wrong shape were left out of the environment."""
    subject = Subject(environment, document)
    for rule in RULES:
        if rule.across_models and not whole:
            continue
        for finding in rule.check(subject):
            yield document.problem(
                finding.place,
                finding.what,
                key=finding.at_key,
                why=finding.why,
                allowed=finding.allowed,
                hint=finding.hint,
                severity=finding.severity,
                rule=rule.id,
            )
