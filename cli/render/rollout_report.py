"""A page about a rollout: one HTML file with everything in it, for a browser now and for an archive later.

It needs no network and runs no script; whatever comes from the journal is escaped.
"""

import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import click

from cli.render.quantity import quantity
from cli.render.rollout_charts import gate_chart, weights_chart
from cli.render.rollout_plan import gate_text, step_text, words
from infra.errors import LlmctlError
from infra.rollout.report import Story, end, series, start, verdicts, weights
from infra.rollout.types import Phase, Plan, Verdict
from infra.rollout.view import SHARE, moment

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#6a737d;--line:#dfe3e8;--new:#0b62d6;
--old:#8a929b;--good:#18794e;--bad:#c62a2f;--unsure:#946800;--card:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--paper:#14171a;--soft:#9aa4ae;--line:#30363d;
--new:#6cb0ff;--old:#8b949e;--good:#4cc38a;--bad:#ff7b7f;--unsure:#f0c000;--card:#1c2126}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:1rem 0 .25rem}
.outcome{display:inline-block;padding:.1rem .6rem;border-radius:1rem;border:1px solid;font-weight:600}
.good,.pass{color:var(--good)}.bad,.fail{color:var(--bad)}.unsure,.inconclusive{color:var(--unsure)}
.soft{color:var(--soft)}table{border-collapse:collapse;width:100%}
.scroll{overflow-x:auto}.scroll table{min-width:44rem}
td,th{padding:.25rem .6rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft)}td.number{text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums}svg{width:100%;height:auto;background:var(--card);border-radius:.4rem}
svg text{fill:var(--soft);font-size:11px}svg .grid{stroke:var(--line)}
svg path,svg circle{fill:none;stroke-width:2}svg .new{stroke:var(--new)}svg .old{stroke:var(--old)}
svg .limit{stroke:var(--bad);stroke-dasharray:5 4;stroke-width:1.5}
svg .area{fill:var(--new);opacity:.15;stroke:none}
.key span{margin-right:1rem}
.key .new{color:var(--new)}.key .old{color:var(--old)}.key .limit{color:var(--bad)}
"""
_NOTHING = "-"
_DOTS = '<p class="soft">Line: what the load balancer was told for the new release. Dots: what it did.</p>'


def page(story: Story, environment: str) -> str:
    """The whole page."""
    plan = story.plan
    title = f"{plan.model} in {environment}: release {plan.old_release} to {plan.new_release}"
    parts = [_head(story, title), _charts(story), _verdicts(story), _plan(plan), _timeline(story)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def write(text: str, output: Path | None) -> None:
    """To stdout, or to a file, whose path is said; raises `LlmctlError` when that can't be written."""
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LlmctlError(f"{output}: {error.strerror}", hint="choose another --output") from error
    click.echo(f"wrote {output}", err=True)


def _head(story: Story, title: str) -> str:
    plan, status = story.plan, story.status
    kind = "bad" if status.phase.back else "good" if _arrived(status.phase) else "unsure"
    told = (
        str(status.phase)
        if _arrived(status.phase) or status.phase.ended
        else (f"{status.phase} at {status.weight} %")
    )
    reason = f"<p>{escape(status.reason)}</p>" if status.reason else ""
    facts = " · ".join(
        [
            plan.strategy,
            f"began {moment(start(story)):%Y-%m-%d %H:%M:%S} UTC",
            f"{words(end(story) - start(story))} long",
            f"by {plan.started_by}" if plan.started_by else "",
            plan.id,
        ]
    )
    return (
        f'<h1>{escape(title)}</h1><p><span class="outcome {kind}">{escape(told)}</span></p>{reason}'
        f'<p class="soft">{escape(facts)}</p>'
    )


def _arrived(phase: Phase) -> bool:
    return phase in (Phase.KEEPING, Phase.DRAINING, Phase.DONE)


def _charts(story: Story) -> str:
    since, until = start(story), end(story)
    key = (
        f'<p class="key"><span class="new">━ release {story.plan.new_release} (new)</span>'
        f'<span class="old">━ release {story.plan.old_release} (old)</span>'
        '<span class="limit">╌ limit of the new one</span>'
        '<span class="soft">time since the beginning</span></p>'
    )
    found = series(story)
    share = next((each for each in found if each.gate == SHARE), None)
    seen = ((point.at, point.new) for point in share.points) if share else ()
    parts = ["<h2>Traffic</h2>", _DOTS, weights_chart(weights(story), seen, since, until)]
    found = tuple(each for each in found if each is not share)
    parts += ["<h2>What the gates measured</h2>", key] if found else []
    for each in found:
        parts += [f"<h3>{escape(each.gate)}</h3>", gate_chart(each, since, until)]
    return "\n".join(parts)


def _verdicts(story: Story) -> str:
    rows = [(weight, each) for weight, said in verdicts(story).items() for each in said]
    if not rows:
        return '<h2>Verdicts</h2><p class="soft">Nothing was judged.</p>'
    body = "".join(_verdict(weight, each) for weight, each in rows)
    heads = ("weight", "gate", "verdict", "new", "old", "limit", "requests", "why")
    return f"<h2>Verdicts</h2>{_table(heads, body)}"


def _verdict(weight: int, each: Verdict) -> str:
    numbers = [quantity(value, each.unit) for value in (each.new, each.old, each.limit)]
    cells = "".join(f'<td class="number">{escape(number)}</td>' for number in [*numbers, str(each.samples)])
    return (
        f'<tr><td class="number">{weight} %</td><td>{escape(each.gate)}</td>'
        f'<td class="{escape(each.answer)}">{escape(each.answer)}</td>{cells}<td>{escape(each.why)}</td></tr>'
    )


def _plan(plan: Plan) -> str:
    steps = ", ".join(map(step_text, plan.steps))
    gates = ", ".join(map(gate_text, plan.gates))
    sizes = ", ".join(f"{size.desired} {market}" for market, size in plan.baseline.items())
    rows = (
        ("from", f"release {plan.old_release} in {plan.old_slot}"),
        ("to", f"release {plan.new_release} in {plan.new_slot}"),
        ("steps", steps),
        ("gates", gates or "none"),
        ("replicas before", sizes),
        ("surge", _NOTHING if plan.surge is None else str(plan.surge)),
        ("when too little is known", f"{plan.inconclusive}, after {words(plan.patience)} more"),
        ("old replicas stay for", words(plan.keep_previous)),
        ("the cloud takes over after", words(plan.watchdog)),
    )
    body = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<h2>Plan</h2>{_table((), body)}"


def _timeline(story: Story) -> str:
    began = start(story)
    body = "".join(
        f'<tr><td class="number">{moment(entry.at):%H:%M:%S}</td>'
        f'<td class="number">+{entry.at - began:.0f} s</td><td>{escape(entry.kind)}</td>'
        f'<td>{escape(entry.text)}</td><td class="soft">{escape(entry.actor)}</td></tr>'
        for entry in story.entries
    )
    return f"<h2>Timeline</h2>{_table(('UTC', 'since', 'what', '', 'who'), body)}"


def _table(heads: Sequence[str], body: str) -> str:
    head = f"<thead><tr>{_cells(heads)}</tr></thead>" if heads else ""
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'


def _cells(heads: Iterable[str]) -> str:
    return "".join(f"<th>{escape(head)}</th>" for head in heads)
