"""The rule of a composite alarm: ALARM(), OK() and INSUFFICIENT_DATA() of others, with AND, OR, NOT.

A rule becomes a function of the other alarms' states. NOT binds closest, then AND, then OR.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from infra.embedded.aws.cloudwatch.actions import State

_TOKEN = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]+)"|(?P<bare>[^")\s]+))\s*\)"""
    r"""|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<mark>[()]))\s*""",
    re.IGNORECASE,
)

Test = Callable[[Mapping[str, State]], bool]


class BadRuleError(ValueError):
    """A rule that can't be read; the text says why."""


@dataclass(frozen=True)
class Rule:
    """A parsed rule and the names of the alarms in it."""

    text: str
    alarms: frozenset[str]
    test: Test = field(compare=False)

    def holds(self, states: Mapping[str, State]) -> bool:
        """Whether the rule is true; an alarm that is gone has no data."""
        return self.test(states)


def parse(text: str) -> Rule:
    """Read a rule. Raises BadRuleError."""
    parser = _Parser(_tokens(text), text)
    test = parser.either()
    if parser.tokens:
        raise BadRuleError(f"AlarmRule {text!r} goes on after its end")
    return Rule(text, frozenset(parser.alarms), test)


def _tokens(text: str) -> list[re.Match[str]]:
    tokens: list[re.Match[str]] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadRuleError(f"AlarmRule can't be read from {text[position : position + 40]!r} on")
        tokens.append(match)
        position = match.end()
    return tokens


def _name(token: re.Match[str]) -> str:
    """An alarm's name; an ARN ends with it."""
    found = token["quoted"] or token["bare"]
    return found.partition(":alarm:")[2] if found.startswith("arn:") else found


@dataclass
class _Parser:
    tokens: list[re.Match[str]]
    text: str
    alarms: set[str] = field(default_factory=set)

    def either(self) -> Test:
        left = self._both()
        while self._take("OR"):
            left = _either(left, self._both())
        return left

    def _both(self) -> Test:
        left = self._one()
        while self._take("AND"):
            left = _both(left, self._one())
        return left

    def _one(self) -> Test:
        if self._take("NOT"):
            inner = self._one()
            return lambda states: not inner(states)
        if self._take("("):
            inner = self.either()
            if not self._take(")"):
                raise BadRuleError(f"AlarmRule {self.text!r} lacks a closing parenthesis")
            return inner
        if self._take("TRUE"):
            return lambda _: True
        if self._take("FALSE"):
            return lambda _: False
        return self._state()

    def _state(self) -> Test:
        if not self.tokens or not self.tokens[0]["state"]:
            raise BadRuleError(f"AlarmRule {self.text!r} lacks an operand")
        token = self.tokens.pop(0)
        name, wanted = _name(token), State(token["state"].upper())
        self.alarms.add(name)
        return lambda states: states.get(name, State.UNKNOWN) is wanted

    def _take(self, wanted: str) -> bool:
        if self.tokens and (self.tokens[0]["word"] or self.tokens[0]["mark"] or "").upper() == wanted:
            self.tokens.pop(0)
            return True
        return False


def _either(left: Test, right: Test) -> Test:
    return lambda states: left(states) or right(states)


def _both(left: Test, right: Test) -> Test:
    return lambda states: left(states) and right(states)
