"""All rules, and what they say about a plan."""

from infra.environment.acceptance import Acceptance
from infra.risk import access, account, fit, loss, market, releases, room
from infra.risk.types import Found, Risk, Rule, Severity, Subject

RULES: tuple[Rule, ...] = (
    *loss.RULES,
    *access.RULES,
    *releases.RULES,
    *fit.RULES,
    *market.RULES,
    *account.RULES,
    *room.RULES,
)


def judge(subject: Subject) -> tuple[Risk, ...]:
    """The risks of a plan: the worst first, and those that the environment file accepts last."""
    found = [_risk(rule, each, subject) for rule in RULES for each in rule.look(subject)]
    order = list(Severity)
    return tuple(sorted(found, key=lambda risk: (bool(risk.accepted), -order.index(risk.severity))))


def _risk(rule: Rule, found: Found, subject: Subject) -> Risk:
    accepted = (each.reason for each in subject.after.accept if _accepts(each, rule, found))
    return Risk(
        id=rule.id,
        severity=rule.severity,
        model=found.model,
        what=found.what,
        why=rule.why,
        remedy=rule.remedy,
        accepted=next(accepted, ""),
    )


def _accepts(acceptance: Acceptance, rule: Rule, found: Found) -> bool:
    return acceptance.risk == rule.id and acceptance.model in (None, found.model)
