"""Writes docs/risks.md from the rules: `python -m infra.risk.reference > docs/risks.md`."""

import sys

from infra.risk.registry import RULES
from infra.risk.types import Severity

_HEAD = """\
# Risks

What `llmctl plan` warns of, made from the rules (`python -m infra.risk.reference`). Dangers are in the first
lines of a plan; all risks, with why and what to do, at its end, and in `risks` of `--json` (`id`, `severity`,
`model`, `what`, `why`, `remedy`, `accepted`).

A risk that is meant is accepted in the environment file. It is then shown last, with the reason, and is no
danger any more:

```yaml
accept:
  - {risk: open-endpoint, reason: a public demo without anything to hide}
  - {risk: may-sleep, model: french, reason: nobody asks at night}
```
"""


def document() -> str:
    """The page."""
    parts = [_HEAD]
    for severity in reversed(Severity):
        parts.append(f"\n## {severity.capitalize()}\n\n| id | why | what to do |\n|---|---|---|\n")
        parts += [
            f"| `{rule.id}` | {rule.why} | {rule.remedy} |\n" for rule in RULES if rule.severity is severity
        ]
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(document())
