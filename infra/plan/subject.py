"""A plan as a team's own rules see it: plain data, described in docs/policy.md. Pure."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from infra.environment.model import Environment
from infra.plan.changes import ResourceChange
from infra.plan.report import PlanReport
from infra.plan.values import shown
from infra.policy.types import VERSION, Document


def subject(
    before: Environment | None, after: Environment, changes: Sequence[ResourceChange], report: PlanReport
) -> Document:
    """The document of a plan."""
    cost = report.cost
    return {
        "version": VERSION,
        "before": _plain(before),
        "after": _plain(after),
        "changes": _plain(
            [
                {
                    "address": each.address,
                    "type": each.type,
                    "action": each.action,
                    "model": each.model,
                    "before": shown(each.before),
                    "after": shown(each.after),
                }
                for each in changes
            ]
        ),
        "risks": _plain(report.risks),
        "cost": {
            "before": _plain(cost.before.total()) if cost and cost.before else None,
            "after": _plain(cost.after.total()) if cost else None,
            "lines": _plain(cost.after.lines) if cost else [],
        },
    }


def _plain(value: Any) -> Any:
    """As JSON has it."""
    return json.loads(msgspec.json.encode(value, enc_hook=str))
