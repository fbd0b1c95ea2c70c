"""A team's own suite: every kind of step, and what is wrong with one, said with its line."""

from pathlib import Path

import pytest

from cli.chaos_file import is_file, read
from infra.chaos.types import Break, Budget, Faults, Market, Take, Who
from infra.embedded.troubles import Trouble
from infra.environment.problems import InvalidEnvironment

STEP = "  - {at: 10s, do: take, who: half, notice: 2m}\n"
WHOLE = f"""\
name: mine
summary: Everything at once.
lasts: 5m
budget: {{failed: 0.01, truncated: 0, availability: 0.9, recovery: 3m}}
steps:
{STEP}\
  - {{at: 20s, do: break, who: one, what: engine-hang, for: 1m}}
  - {{at: 20s, do: break, who: one, what: agent-death}}
  - {{at: 30s, do: market, for: 1m, trace: market.csv, speed: 2}}
  - {{at: 30s, do: market, for: 1m, flap: 10s}}
  - {{at: 40s, do: faults, for: 1m, throttle: 0.3, propagation: 20s}}
"""


def written(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "mine.yaml"
    path.write_text(text)
    (folder / "market.csv").write_text("seconds,a,b\n0,3,1\n60,0,1\n120,0,1\n")
    return path


def test_every_kind_of_step_is_read(tmp_path: Path) -> None:
    """Times in the file's words become seconds; a trace becomes its changes, faster if asked for."""
    suite = read(written(tmp_path, WHOLE))
    assert (suite.name, suite.seconds) == ("mine", 300.0)
    assert suite.budget == Budget(failed=0.01, truncated=0, availability=0.9, recovery=180.0)
    assert [step.do for step in suite.steps] == [
        Take(who=Who.HALF, notice=120.0),
        Break(who=Who.ONE, what=Trouble.ENGINE_HANG, seconds=60.0),
        Break(who=Who.ONE, what=Trouble.AGENT_DEATH, seconds=0.0),
        Market(seconds=60.0, trace=((0.0, (3, 1)), (30.0, (0, 1)))),
        Market(seconds=60.0, flap=10.0),
        Faults(seconds=60.0, faults={"throttle": 0.3, "propagation": 20.0}),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("lasts: 5m\n", "", 1, "missing required field `lasts`"),
        ("who: half", "who: most", 6, "most"),
        ("who: half", "whom: half", 6, "whom"),
        ("do: take", "do: shake", 6, "shake"),
        ("what: agent-death", "what: full-disk", 8, "full-disk needs `for`"),
        ("flap: 10s", "flap: 10s, trace: market.csv", 10, "exclude each other"),
        ("at: 10s", "at: 9m", 6, "it is over at 660 s, and the suite at 300 s"),
        ("throttle: 0.3", "throttle: 3", 11, "<= 1"),
        ("name: mine", "name: [mine]", 1, "`str`"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, what: str
) -> None:
    """Nothing runs of a suite that can't be meant."""
    assert old in WHOLE
    path = written(tmp_path, WHOLE.replace(old, new))
    with pytest.raises(InvalidEnvironment) as caught:
        read(path)
    assert "docs/chaos.md" in caught.value.hint
    (problem,) = caught.value.problems
    assert problem.line == line, problem
    assert what in problem.what


def test_files_are_told_from_names() -> None:
    """A shipped suite has no suffix."""
    assert is_file("mine.yaml")
    assert not is_file("notice")
