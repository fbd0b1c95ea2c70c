"""Lines of figures -> queries with ids of their own, as CloudWatch wants them: in calls, widgets and panels.

A term that several lines share is asked for once, because every metric that is read is billed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from infra.agent import catalogue
from infra.observability.types import Line, Term

STANDARD_PERIOD = 60
"""AWS's own services publish each minute: a shorter period of theirs is empty."""
_ID = re.compile(r"\b[a-z]\w*\b")


@dataclass(frozen=True, kw_only=True)
class Query:
    """A term or an expression over the ids of others."""

    id: str
    period: int
    term: Term | None = None
    expression: str | None = None
    label: str = ""
    shown: bool = False
    """False: only expressions need it."""


@dataclass
class Queries:
    """The queries of several lines that are sent or drawn together."""

    period: int
    _lines: list[tuple[Line, str]] = field(default_factory=list)
    _terms: dict[tuple[object, ...], Query] = field(default_factory=dict)
    _expressions: list[Query] = field(default_factory=list)

    def all(self) -> list[Query]:
        """Terms, then the expressions over them."""
        return [*self._terms.values(), *self._expressions]

    def answers(self) -> list[tuple[Line, Query]]:
        """Each line with the query that is its answer, in the order in which they were added."""
        by_id = {query.id: query for query in self.all()}
        return [(line, by_id[id_]) for line, id_ in self._lines]

    def most_with(self, line: Line) -> int:
        """How many there would be with this line, if it shares no term."""
        return len(self._terms) + len(self._expressions) + len(line.terms) + 1

    def add(self, line: Line) -> None:
        """Add what answers the line."""
        finest = all(term.namespace == catalogue.NAMESPACE for term in line.terms)
        period = self.period if finest else max(self.period, STANDARD_PERIOD)
        keys = {term.id: self._term(term, period) for term in line.terms}
        if line.expression is None:
            (key,) = keys.values()
            self._terms[key] = replace(self._terms[key], label=line.label, shown=True)
            self._lines.append((line, self._terms[key].id))
            return
        ids = {name: self._terms[key].id for name, key in keys.items()}
        expression = (
            _ID.sub(lambda word: ids.get(word[0], word[0]), line.expression) if ids else line.expression
        )
        query = Query(
            id=f"e{len(self._expressions)}",
            period=period,
            expression=expression,
            label=line.label,
            shown=True,
        )
        self._expressions.append(query)
        self._lines.append((line, query.id))

    def _term(self, term: Term, period: int) -> tuple[object, ...]:
        key = (term.namespace, term.name, term.dimensions, term.statistic, period)
        if key not in self._terms:
            self._terms[key] = Query(id=f"m{len(self._terms)}", period=period, term=term)
        return key


def queries(lines: Iterable[Line], period: int) -> Queries:
    """The queries of all these lines; `period` in seconds."""
    found = Queries(period)
    for line in lines:
        found.add(line)
    return found
