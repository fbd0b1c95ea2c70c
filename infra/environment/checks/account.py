"""The guard against acting on the wrong account only works if it is an account's number."""

import re
from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    account = subject.environment.provider.account
    if account is not None and not re.fullmatch(r"\d{12}", account):
        yield Finding(
            place=("provider", "account"),
            what=f"{account} isn't an account's number",
            allowed="12 digits, quoted",
            hint="`aws sts get-caller-identity` prints yours",
        )


RULE = Rule(id="account", summary="`account` has 12 digits.", check=_check)
