"""The HTML page of a comparison: one file, no network, light and dark. Pure; every text is escaped.

Answers are shown as they are: whoever gets the page gets the prompts and the answers too.
"""

from html import escape

from infra.quality.compare import Comparison, Difference, Row, Side
from infra.rollout.types import Answer, Verdict

_STYLE = """
:root { color-scheme: light dark; --line: #d0d7de; --soft: #57606a; --good: #1a7f37; --bad: #cf222e;
  --open: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --soft: #9198a1; --good: #3fb950;
  --bad: #f85149; --open: #d29922; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.soft, caption, dt { color: var(--soft); } .pass { color: var(--good); } .fail { color: var(--bad); }
.inconclusive { color: var(--open); } .verdict { font-size: 1.15rem; font-weight: 600; }
details { border-bottom: 1px solid var(--line); padding: .4rem 0; } summary { cursor: pointer; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .2rem 0 .8rem; padding: .5rem;
  border: 1px solid var(--line); border-radius: .3rem; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
svg text { fill: currentColor; font-size: 12px; }
"""
_WORDS = {
    Answer.PASS: "pass",
    Answer.FAIL: "fail: the new release answers worse",
    Answer.INCONCLUSIVE: "inconclusive",
}
_WIDTH, _MARGIN = 640, 40


def html(found: Comparison) -> str:
    """The whole page."""
    subject = found.subject
    title = (
        f"{subject.model} in {subject.environment}: "
        f"release {subject.new.release} against {subject.old.release}"
    )
    body = "\n".join(
        (
            f"<h1>{escape(title)}</h1>",
            _head(found),
            _means(found),
            _interval(found.difference, found.verdict) if found.difference else "",
            "<h2>Prompts, the most changed for the worse first</h2>",
            *(_prompt(row, found) for row in found.rows),
        )
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _head(found: Comparison) -> str:
    verdict, subject = found.verdict, found.subject
    skipped = f", {subject.skipped} without what it needs" if subject.skipped else ""
    return (
        f'<p class="verdict {verdict.answer}">{escape(_WORDS[verdict.answer])}</p>'
        f"<p>{escape(verdict.why)}</p>"
        f'<p class="soft">{escape(found.at)}; scorer {escape(subject.scorer)}; {escape(subject.prompts)}: '
        f"{found.asked} prompts asked, {found.compared} compared{skipped}</p>"
    )


def _means(found: Comparison) -> str:
    rows = "".join(_mean(each, name) for each, name in ((found.old, "old"), (found.new, "new")))
    change = ""
    if (each := found.difference) is not None:
        change = (
            f'<tr><td>difference</td><td></td><td class="n">{each.mean:+.1f}</td>'
            f'<td colspan="2">{each.confidence:.0%} interval {each.low:+.1f} to {each.high:+.1f}</td></tr>'
        )
    return (
        '<table><tr><th></th><th>release</th><th class="n">mean score</th><th class="n">answered</th>'
        f'<th class="n">failed</th></tr>{rows}{change}</table>'
    )


def _mean(side: Side, name: str) -> str:
    why = "".join(f" ({count} x {escape(text)})" for text, count in list(side.failures.items())[:3])
    return (
        f"<tr><td>{name}</td><td>{side.release} ({escape(side.slot)})</td>"
        f'<td class="n">{_number(side.mean)}</td><td class="n">{side.answered}</td>'
        f'<td class="n">{side.failed}{why}</td></tr>'
    )


def _interval(found: Difference, verdict: Verdict) -> str:
    """A line from the low to the high end around the mean, with 0 and what the gate allows."""
    allowed = verdict.limit - verdict.old if verdict.limit is not None and verdict.old is not None else 0.0
    reach = max(1.0, *(abs(each) * 1.15 for each in (found.low, found.high, allowed)))

    def place(points: float) -> float:
        return _WIDTH / 2 + points / reach * (_WIDTH / 2 - _MARGIN)

    ends = f"{place(found.low):.1f}", f"{place(found.high):.1f}"
    marks = [(0.0, "equal", "var(--soft)")]
    if allowed:
        marks.append((allowed, f"gate {allowed:+.1f}", "var(--bad)"))
    lines = "".join(
        f'<line x1="{place(at):.1f}" x2="{place(at):.1f}" y1="8" y2="48" stroke="{colour}" '
        'stroke-dasharray="3"/>'
        f'<text x="{place(at):.1f}" y="64" text-anchor="middle">{name}</text>'
        for at, name, colour in marks
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} 70" width="100%" role="img" aria-label="difference of the means, '
        f'with its interval">{lines}<line x1="{ends[0]}" x2="{ends[1]}" y1="28" y2="28" '
        'stroke="currentColor" stroke-width="3"/>'
        f'<circle cx="{place(found.mean):.1f}" cy="28" r="6" fill="currentColor"/></svg>'
    )


def _prompt(row: Row, found: Comparison) -> str:
    change = "no score" if row.difference is None else f"{row.difference:+.1f}"
    problem = f'<p class="inconclusive">{escape(row.problem)}</p>' if row.problem else ""
    reference = f"<dt>reference</dt><pre>{escape(row.reference)}</pre>" if row.reference is not None else ""
    sides = "".join(
        f"<div><dt>release {release}: {_number(score)}</dt><pre>{escape(answer or '')}</pre></div>"
        for release, score, answer in (
            (found.old.release, row.old, row.old_answer),
            (found.new.release, row.new, row.new_answer),
        )
    )
    return (
        f"<details><summary>{escape(row.id)}: {change}</summary>{problem}<dt>prompt</dt>"
        f'<pre>{escape(row.question)}</pre>{reference}<div class="pair">{sides}</div></details>'
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
