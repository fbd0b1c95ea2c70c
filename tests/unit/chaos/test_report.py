"""The report of a run, and the command around it."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.app import run
from cli.render.chaos import print_report
from infra.chaos.drive import Done, Story
from infra.chaos.report import Subject, report
from infra.chaos.suites import named
from infra.chaos.types import Replica, Sighting, Take, Who
from infra.errors import ExitCode
from tests.unit.environment.builders import changed

REPLICAS = tuple(Replica(instance=f"i-{number}", zone="a") for number in range(3))
SUBJECT = Subject(environment="spot", model="chat", seed=1, prices=(0.5, 2.0))


def story(*ready: int) -> Story:
    """One replica is taken at 1 s; each second so many are ready of the two wanted."""
    return Story(
        done=(Done(at=1.0, do=Take(who=Who.ONE), victims=("i-1",)),),
        sightings=tuple(
            Sighting(at=float(at), replicas=REPLICAS[:count], wanted=2) for at, count in enumerate(ready)
        ),
    )


def bench(failed: int, **kinds: int) -> dict[str, Any]:
    """What the load measured."""
    return {
        "requests": {"sent": 1000, "succeeded": 1000 - failed, "failed": failed},
        "failures": [{"kind": kind, "count": count} for kind, count in kinds.items()],
    }


def test_a_run_within_its_budget_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """With how long each injection was felt, and what is known of the failures."""
    told = report(named("kill"), SUBJECT, story(2, 1, 1, 2), bench(2, truncated=2))
    assert told.passed
    assert (told.hits[0].recovery, told.availability, told.truncated) == (2.0, 0.5, 2)
    print_report(told)
    out = capsys.readouterr().out
    assert "after 2 s" in out
    assert "passed" in out
    assert told.document()["passed"] is True


def test_a_budget_that_is_missed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """In words, and in red."""
    told = report(named("notice"), SUBJECT, story(2, 1, 1, 1), bench(3, truncated=1))
    assert not told.passed
    print_report(told)
    out = capsys.readouterr().out
    assert "over the budget: failed share 0.003, allowed 0" in out
    assert "truncated streams 1" in out


def test_suites_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """For people and for programs."""
    assert run(["chaos", "list"]) == ExitCode.OK
    assert "drought" in capsys.readouterr().out
    assert run(["chaos", "list", "--json"]) == ExitCode.OK
    assert {each["name"] for each in json.loads(capsys.readouterr().out)} >= {"notice", "kill", "api"}


def test_an_account_is_harmed_only_where_its_file_allows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused before anything is asked of it: what AWS can't do, what isn't allowed, what isn't there."""
    file = tmp_path / "sample.yaml"
    file.write_text(json.dumps(changed()))
    assert run(["chaos", "run", "kill", "--env", str(file)]) == ExitCode.REFUSED
    assert "the embedded cloud can do all" in capsys.readouterr().err
    assert run(["chaos", "run", "notice", "--env", str(file)]) == ExitCode.REFUSED
    assert "chaos: {allow: true}" in capsys.readouterr().err
    assert run(["chaos", "run", "bomb", "--env", str(file)]) == ExitCode.REFUSED
    assert "notice" in capsys.readouterr().err
