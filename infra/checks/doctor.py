"""All rules, and what they say about this machine. The documentation's table is made from `RULES`."""

from collections.abc import Iterable, Mapping

from infra.checks import credentials, machine, packages, terraform
from infra.checks.rule import Need, Result, Rule

RULES: tuple[Rule, ...] = (*machine.RULES, *packages.RULES, *terraform.RULES, *credentials.RULES)


def examine(
    environment: Mapping[str, str], provider: str | None = None, rules: Iterable[Rule] = RULES
) -> tuple[Result, ...]:
    """Look at everything. `provider` (aws or embedded): what an environment there needs is required too."""
    required = {Need.ALWAYS.value, provider}
    return tuple(_examine(rule, environment, rule.need.value in required) for rule in rules)


def is_fit(results: Iterable[Result]) -> bool:
    """Whether nothing that is required is missing."""
    return all(result.ok or not result.required for result in results)


def _examine(rule: Rule, environment: Mapping[str, str], required: bool) -> Result:
    found = rule.look(environment)
    return Result(
        id=rule.id,
        summary=rule.summary,
        ok=found.ok,
        required=required,
        what=found.what,
        where=found.where,
        remedy="" if found.ok else rule.remedy,
    )
