"""Broken files, each with the messages that a person gets: `# expect: line:column: message`.

A file's messages are all of them, in order: a message too many fails as one too few does.
"""

from pathlib import Path

import pytest

from infra.environment.checks import RULES
from infra.environment.load import load
from infra.environment.problems import InvalidEnvironment, Problem
from infra.errors import ExitCode

FILES = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
EXPECT = "# expect: "


def problems_of(path: Path) -> tuple[Problem, ...]:
    """The problems that loading the file raises."""
    with pytest.raises(InvalidEnvironment) as raised:
        load(path)
    assert raised.value.code is ExitCode.REFUSED
    return raised.value.problems


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_broken_file_is_told_what_is_wrong(path: Path) -> None:
    """Every error of a file is reported at its place, in words that say what to do, and nothing else is."""
    lines = path.read_text().splitlines()
    expected = [line.removeprefix(EXPECT) for line in lines if line.startswith(EXPECT)]
    told = [problem.render().removeprefix(f"{path}:") for problem in problems_of(path)]
    assert told == expected
    assert expected


def test_there_are_many_broken_files() -> None:
    """The collection keeps covering the ways to get a file wrong."""
    assert len(FILES) >= 40


def test_every_rule_has_a_broken_file() -> None:
    """No rule exists that isn't seen failing; advice is no error and is tested elsewhere."""
    failing = {problem.rule for path in FILES for problem in problems_of(path)}
    assert {rule.id for rule in RULES} - failing == {"advice"}


def test_no_message_shows_the_validator() -> None:
    """People never see patterns or the validator's own wording."""
    for path in FILES:
        for problem in problems_of(path):
            text = problem.render()
            assert "\\d" not in text
            assert "is not valid under" not in text
            assert "does not match" not in text
            assert "is not of type" not in text
