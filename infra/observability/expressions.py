"""Metric math that alarms have in common: sums, of which some parts may not be reported, and rates.

What isn't reported is zero only where that is what silence means; each function says when.
"""

from collections.abc import Sequence

from infra.observability.types import Line, Term

_FAILURES = 3
"""Fewer failed requests are no rate: one of one isn't 100 %."""


def total(terms: Sequence[Term]) -> str:
    """Sum of the terms that are told; nothing where none is."""
    return f"SUM([{_list(terms)}])"


def counted(terms: Sequence[Term], present: Sequence[Term]) -> str:
    """Sum of the terms, and zero where only `present` is told.

    Nothing is filled: whether a metric that was never told has gaps to fill, CloudWatch doesn't say.
    """
    return f"SUM([{_list(terms)}, 0 * {total(present)}])"


def rate(label: str, requests: Sequence[Term], failed: Sequence[Term]) -> Line:
    """Percent, or 0 while there are too few failures to call it a rate."""
    count = _filled(failed)
    return Line(
        label=label,
        terms=(*requests, *failed),
        expression=f"IF({count} >= {_FAILURES}, 100 * {count} / {_filled(requests)}, 0)",
    )


def _filled(terms: Sequence[Term]) -> str:
    """Sum of what is reported only when it isn't zero: an idle slot must not make the sum unknown."""
    return f"SUM([{', '.join(f'FILL({term.id}, 0)' for term in terms)}])"


def _list(terms: Sequence[Term]) -> str:
    return ", ".join(term.id for term in terms)
