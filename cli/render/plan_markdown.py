"""A plan as Markdown, for a comment on a pull request: what matters first, details folded."""

import sys
from collections.abc import Iterator

from cli.render.cost import headline as headline_of_cost
from cli.render.cost import notes
from cli.render.plan import alarms, availability, detail, headline, reason
from infra.plan.meaning import SHARED
from infra.plan.report import ModelChanges, PlanReport

_MARKS = {"create": "+", "update": "!"}
"""What `diff` colours green and orange; the rest is red."""


def print_markdown(report: PlanReport, plan_id: str = "") -> None:
    """Write the comment to stdout; `plan_id`: of the archive that holds this plan."""
    sys.stdout.write("\n".join(_comment(report, plan_id)) + "\n")


def _comment(report: PlanReport, plan_id: str) -> Iterator[str]:
    yield f"### {headline(report)}"
    if report.dangers or report.is_denied:
        yield "\n> [!CAUTION]"
        yield from (f"> {_plain(line)}  " for line in alarms(report))
    if report.meaning:
        yield ""
        yield from (f"- **{each.model or 'shared'}**: {_plain(each.text)}" for each in report.meaning)
    if report.cost and report.has_changes:
        yield f"- **cost**: {_plain(headline_of_cost(report.cost))}"
        yield from (f"  - {_plain(note)}" for note in notes(report.cost.after))
    yield from (f"- **availability**: {_plain(line)}" for line in availability(report))
    yield from _risks(report)
    yield from (
        f"- **{each.severity}** {_plain(each.rule)}: {_plain(each.message)}" for each in report.policy
    )
    for group in report.groups:
        yield from _folded(group)
    if plan_id:
        yield f"\nPlan `{plan_id}`"


def _risks(report: PlanReport) -> Iterator[str]:
    if not report.risks:
        return
    yield "\n| risk | | |\n|---|---|---|"
    for risk in report.risks:
        told = f"accepted: {risk.accepted}" if risk.accepted else f"{risk.why} {risk.remedy}"
        yield f"| {risk.severity} `{risk.id}` | {_plain(risk.what)} | {_plain(told)} |"


def _folded(group: ModelChanges) -> Iterator[str]:
    name = "shared" if group.model == SHARED else group.model
    yield f"\n<details><summary>{name}: {len(group.changes)} resources</summary>\n\n~~~~diff"
    for change in group.changes:
        yield f"{_MARKS.get(change.action, '-')} {change.action} {change.address}{reason(change)}"
        yield from (f"    {line}" for line in detail(change))
    yield "~~~~\n</details>"


def _plain(text: str) -> str:
    """The text with nothing in it that Markdown or HTML would read."""
    for letter in "\\`*_[]|":
        text = text.replace(letter, f"\\{letter}")
    return text.replace("<", "&lt;")
