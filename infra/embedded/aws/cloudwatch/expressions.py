"""Metric math: expressions are parsed to a syntax tree and walked; nothing is ever executed.

The grammar is close enough to Python's for its parser to read it after replacing `&&`, `||`, `AND`, `OR` and
`^`. Only the node types that `_Evaluation` has a method for exist; any other, an unknown name or function
is a MathError, never an empty answer.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from infra.embedded.aws.cloudwatch import functions
from infra.embedded.aws.cloudwatch.functions import Grid
from infra.embedded.aws.cloudwatch.values import (
    Array,
    Binary,
    MathError,
    TimeSeries,
    Value,
    combine,
    divide,
    each,
    power,
)

_TOKENS = re.compile(r"""("[^"]*"|'[^']*')|&&|\|\||\^|\bAND\b|\bOR\b""")
_PYTHON = {"&&": " and ", "||": " or ", "^": "**", "AND": "and", "OR": "or"}
_FILLERS = frozenset({"REPEAT", "LINEAR"})

Search = Callable[[str, str, int | None], Array]
"""Finds the series of a SEARCH: its text, statistic and period."""

_OPERATIONS: dict[type[ast.AST], Binary] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: divide,
    ast.Pow: power,
    ast.Gt: lambda left, right: float(left > right),
    ast.GtE: lambda left, right: float(left >= right),
    ast.Lt: lambda left, right: float(left < right),
    ast.LtE: lambda left, right: float(left <= right),
    ast.Eq: lambda left, right: float(left == right),
    ast.NotEq: lambda left, right: float(left != right),
    ast.And: lambda left, right: float(bool(left) and bool(right)),
    ast.Or: lambda left, right: float(bool(left) or bool(right)),
}


def names(expression: str) -> set[str]:
    """Ids of the metrics and expressions that an expression uses. Raises MathError if it is wrong."""
    tree = _parse(expression)
    called = {_name(node.func) or "" for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for name in called - {"METRICS", "SEARCH"}:
        functions.check(name)
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return found - called - _FILLERS


def uses_search(expression: str) -> bool:
    """Whether it calls SEARCH(). Raises MathError if it is wrong."""
    calls = (node for node in ast.walk(_parse(expression)) if isinstance(node, ast.Call))
    return any(_name(call.func) == "SEARCH" for call in calls)


def evaluate(
    expression: str,
    results: Mapping[str, Value],
    metrics: Mapping[str, TimeSeries],
    grid: Grid,
    search: Search,
) -> Value:
    """Value of an expression; `results` are for its names, `metrics` for METRICS, by id. Raises MathError."""
    return _Evaluation(results, metrics, grid, search).value(_parse(expression))


@lru_cache(maxsize=1024)
def _parse(expression: str) -> ast.expr:
    text = _TOKENS.sub(lambda match: match[1] or _PYTHON[match[0]], expression).strip()
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise MathError(f"Error in expression: invalid syntax in {expression!r}") from None


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


@dataclass
class _Evaluation:
    """One walk over a tree."""

    results: Mapping[str, Value]
    metrics: Mapping[str, TimeSeries]
    grid: Grid
    search: Search

    def value(self, node: ast.expr) -> Value:
        """Value of a node. Raises MathError."""
        match node:
            case ast.Constant(value=bool() | str() | bytes() | None):
                raise MathError("text is only possible as an argument of SEARCH and METRICS")
            case ast.Constant(value=int() | float() as constant):
                return float(constant)
            case ast.Name():
                return self._named(node.id)
            case ast.UnaryOp(op=ast.USub()):
                return each(self.value(node.operand), operator.neg)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.value(node.operand)
            case ast.List():
                return self._list(node)
            case ast.Call():
                return self._call(node)
            case _:
                return self._operation(node)

    def _operation(self, node: ast.expr) -> Value:
        match node:
            case ast.BinOp() if type(node.op) in _OPERATIONS:
                return combine(self.value(node.left), self.value(node.right), _OPERATIONS[type(node.op)])
            case ast.Compare(ops=[kind]) if type(kind) in _OPERATIONS:
                return combine(
                    self.value(node.left), self.value(node.comparators[0]), _OPERATIONS[type(kind)]
                )
            case ast.BoolOp():
                result = self.value(node.values[0])
                for operand in node.values[1:]:
                    result = combine(result, self.value(operand), _OPERATIONS[type(node.op)])
                return result
        raise MathError(f"Error in expression: {type(node).__name__} is not supported")

    def _named(self, name: str) -> Value:
        if name not in self.results:
            raise MathError(f"The name {name} is not the id of a metric or expression")
        return self.results[name]

    def _list(self, node: ast.List) -> Value:
        found: Array = []
        for element in node.elts:
            value = self.value(element)
            if isinstance(value, list):
                found += value
            elif isinstance(value, TimeSeries):
                found.append(value)
            else:
                found.append(TimeSeries(dict.fromkeys(self.grid, value)))
        return found

    def _call(self, node: ast.Call) -> Value:
        name = _name(node.func)
        if name is None or node.keywords:
            raise MathError("Error in expression: a function is called by its name")
        if name == "METRICS":
            part = self._text(node.args[0]) if node.args else ""
            return [series for id_, series in self.metrics.items() if part in id_]
        if name == "SEARCH":
            return self._search(node)
        return functions.call(name, [self._argument(one) for one in node.args], self.grid)

    def _argument(self, node: ast.expr) -> Value | str:
        if isinstance(node, ast.Name) and node.id in _FILLERS:
            return node.id
        return self.value(node)

    def _search(self, node: ast.Call) -> Value:
        if len(node.args) not in (2, 3):
            raise MathError("Wrong number of arguments for function SEARCH")
        period = self.value(node.args[2]) if len(node.args) == 3 else None
        if isinstance(period, TimeSeries | list):
            raise MathError("the period of SEARCH is a number")
        return self.search(
            self._text(node.args[0]), self._text(node.args[1]), None if period is None else int(period)
        )

    @staticmethod
    def _text(node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        raise MathError("text is expected")
