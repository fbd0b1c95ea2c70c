"""`metrics`, `events`, `logs`, `samples` and `export` on the command line, over a cloud of fakes."""

import gzip
import json
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli import context
from cli.app import run
from cli.context import Workspace
from infra.deploy.events import Event
from infra.deploy.types import EnvironmentState, Live, LogLine
from infra.environment.slots import Slot
from infra.errors import ExitCode, Refused
from infra.observability.types import Sources
from infra.samples.catalogue import Batch, batch
from tests.fakes.deploy import FakeClock, FakeLogs
from tests.fakes.environments import two_models
from tests.fakes.metrics import SOURCES, FakeReader

NOW = datetime(2026, 11, 22, 19, 40, tzinfo=UTC)
KEY = "model=chat/release=3/date=2026-11-22/hour=19/i-1-1.jsonl.gz"


@dataclass
class Cloud:
    """What the fakes say; each part may be changed before a command runs."""

    deployed: dict[str, Sources] = field(default_factory=lambda: {"chat": SOURCES})
    entries: list[Event] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)

    def sources(self) -> dict[str, Sources]:
        """Names of AWS's resources, by model."""
        return self.deployed

    def live(self) -> dict[str, Live]:
        """What is live."""
        return {"chat": Live(slot=Slot.BLUE, release=3, since=NOW)}

    def events(self, since: datetime) -> Sequence[Event]:
        """The audit log."""
        return [event for event in self.entries if event.time >= since]

    def batches(self, model: str, *, since: datetime, release: int | None) -> Iterator[Batch]:
        """Captured objects."""
        found = (batch(key, len(content)) for key, content in self.objects.items())
        yield from (
            item for item in found if item and item.model == model and release in (None, item.release)
        )

    def read(self, item: Batch) -> bytes:
        """An object."""
        return self.objects[item.key]

    def observe(self) -> EnvironmentState:
        """The state, which only says whether there is one here."""
        if not self.deployed:
            raise Refused("test is not deployed", hint="`llmctl deploy --env test` deploys it")
        return EnvironmentState(environment="test", endpoint="http://lb", models=())


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Commands find this cloud, whatever --env says."""
    cloud = Cloud()

    def opened(env: str) -> Workspace:
        made = Workspace(Path("test.yaml"), two_models())
        made.__dict__ |= {
            "clock": FakeClock(NOW),
            "balancer": cloud,
            "runtime": cloud,
            "sample_bucket": cloud,
            "metric_reader": FakeReader(lambda line: 2.0),
            "log_reader": FakeLogs([cloud.lines]),
            "observe_deployed": cloud.observe,
        }
        return made

    monkeypatch.setattr(context, "open_workspace", opened)
    return cloud


Text = Callable[[str], str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Text:
    """Runs a command line that must succeed and gives its stdout."""

    def said(line: str) -> str:
        code = run(line.split())
        out, err = capsys.readouterr()
        assert code == ExitCode.OK, err
        return out

    return said


def event(target: str, **age: float) -> Event:
    """A change of that target, so long ago."""
    time = NOW - timedelta(**age)
    return Event(
        time=time, id=f"{target}{age}", actor="ann@laptop", action="Resize", target=target, result=""
    )


def log_line(text: str, model: str = "chat", minutes: float = 1) -> LogLine:
    """A line of an engine."""
    time = NOW - timedelta(minutes=minutes)
    return LogLine(time=time, model=model, replica="i-1", source="engine", text=text, id=text)


def sample(minute: int) -> dict[str, str]:
    """A captured request of that minute."""
    return {"time": NOW.replace(minute=minute).isoformat(), "path": f"/v1/{minute}"}


def put(cloud: Cloud, *samples: dict[str, str]) -> None:
    """Put an object with samples into the bucket."""
    cloud.objects[KEY] = gzip.compress("\n".join(map(json.dumps, samples)).encode())


@pytest.mark.usefixtures("cloud")
def test_metrics_are_one_document_for_programs(said: Text) -> None:
    """A row for each deployed model and its live release, over the time that was asked for."""
    document = json.loads(said("metrics --env test --since 15m --json"))
    assert [(row["model"], row["release"]) for row in document["rows"]] == [("chat", None), ("chat", 3)]
    assert document["since"] == "2026-11-22T19:25:00Z"
    assert document["rows"][0]["measures"]["requests"]["value"] == 2.0


@pytest.mark.usefixtures("cloud")
def test_metrics_are_a_table_for_people(said: Text) -> None:
    """The overview has the model's name and says which time it is of."""
    text = said("metrics --env test")
    assert "chat" in text
    assert "19:40 UTC" in text


@pytest.mark.parametrize("command", ["metrics", "events", "logs"])
def test_what_is_not_deployed_is_refused(
    command: str, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """Silence would look as if nothing had happened; the error says that nothing is there, and what to do."""
    cloud.deployed = {}
    assert run([command, "--env", "test"]) == ExitCode.REFUSED
    out, err = capsys.readouterr()
    assert out == ""
    assert "test is not deployed\nhint:  `llmctl deploy --env test`" in err


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("command", ["metrics", "events", "logs", "samples list", "samples fetch"])
def test_an_unknown_model_is_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt model is answered with those that there are."""
    assert run([*command.split(), "--env", "test", "caht"]) == ExitCode.REFUSED
    assert "there is no model 'caht'\nhint:  models: chat" in capsys.readouterr().err


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    "line",
    [
        "events --env test --since yesterday",
        "events --env test --since 99999999h",
        "metrics --env test --since 0s",
        "metrics --env test --watch --json",
        "dashboard --env test --since 0m",
        "dashboard --env test --port 70000",
        "local up --speed nan",
        "logs --env test --source kernel",
        "samples fetch --env test chat --limit 0",
    ],
)
def test_what_makes_no_sense_is_wrong_usage(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Values that can't be meant end with 64 and a sentence, not in a bug report."""
    assert run(line.split()) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error: " in err


def test_events_of_a_model_and_of_the_environment(cloud: Cloud, said: Text) -> None:
    """With a model, other models' events are left out; with --since, older ones are."""
    cloud.entries = [event("chat", hours=3), event("test", minutes=9), event("french", minutes=8)]
    found = [json.loads(line)["target"] for line in said("events --env test chat --json").splitlines()]
    assert found == ["chat", "test"]
    assert "chat" not in said("events --env test --since 1h")


def test_times_are_utc_wherever_one_is(cloud: Cloud, said: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events can be laid beside logs, metrics and samples, which are in UTC as well."""
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        cloud.entries, cloud.lines = [event("chat", minutes=1)], [log_line("up")]
        assert said("events --env test").startswith("2026-11-22 19:39:00 ")
        assert said("logs --env test").startswith("19:39:00 ")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_logs_of_all_models_are_merged(cloud: Cloud, said: Text) -> None:
    """Lines come in the order of time, one JSON object each for programs."""
    cloud.lines = [log_line("second"), log_line("first", "french", 2), log_line("old", minutes=11)]
    lines = [json.loads(line) for line in said("logs --env test --json").splitlines()]
    assert [(line["model"], line["text"]) for line in lines] == [("french", "first"), ("chat", "second")]


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("command", "words"), [("events", "no events in this time"), ("logs", "no such lines in this time")]
)
def test_nothing_is_said_to_be_nothing(command: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An environment in which nothing happened is told from one that isn't there; stdout stays empty."""
    assert run([command, "--env", "test"]) == ExitCode.OK
    assert capsys.readouterr() == ("", f"{words}\n")


def test_samples_are_listed_by_hour(cloud: Cloud, said: Text) -> None:
    """People get a row an hour, programs every object."""
    put(cloud, sample(1))
    assert "2026-11-22 19" in said("samples list --env test")
    (found,) = json.loads(said("samples list --env test --json"))
    assert (found["key"], found["release"], found["replica"]) == (KEY, 3, "i-1")


def test_samples_are_fetched_in_order(cloud: Cloud, said: Text) -> None:
    """One JSON object a line, oldest first, no older than asked for, the newest if there is a limit."""
    put(cloud, sample(30), sample(10), sample(20))
    lines = said("samples fetch --env test chat --since 25m --limit 1").splitlines()
    assert [json.loads(line) for line in lines] == [sample(30)]
    lines = said("samples fetch --env test chat --since 25m").splitlines()
    assert [json.loads(line) for line in lines] == [sample(20), sample(30)]


def test_fetched_samples_are_their_owners(cloud: Cloud, said: Text, tmp_path: Path) -> None:
    """What people wrote to a model is for nobody else's eyes, also in a file that was open to all before."""
    put(cloud, sample(10))
    output = tmp_path / "samples.jsonl"
    output.write_text("something longer than the samples are, which must be gone " * 9)
    output.chmod(0o644)
    assert said(f"samples fetch --env test chat --output {output}") == ""
    assert [json.loads(line) for line in output.read_text().splitlines()] == [sample(10)]
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_a_sample_without_a_zone_is_somebody_elses(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    """An object that can't be sorted into time is named, instead of a bug report."""
    put(cloud, {"time": "2026-11-22T19:10:00"})
    assert run(["samples", "fetch", "--env", "test", "chat"]) == ExitCode.FAILED
    assert f"{KEY} can't be read as samples" in capsys.readouterr().err


@pytest.mark.usefixtures("cloud")
def test_exports_are_files_that_others_read(said: Text, tmp_path: Path) -> None:
    """Rules go to stdout as YAML; dashboards become files, and their paths are said."""
    from ruamel.yaml import YAML

    rules = YAML(typ="safe").load(said("export prometheus --env test"))
    assert [group["name"] for group in rules["groups"]] == ["llmctl-test-chat", "llmctl-test-french"]
    paths = said(f"export grafana --env test --out {tmp_path / 'new'}").split()
    assert {Path(path).name for path in paths} == {
        "llmctl-test.json",
        "llmctl-test-chat.json",
        "llmctl-test-french.json",
    }
    assert all(json.loads(Path(path).read_text())["panels"] for path in paths)


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    "line", ["export grafana --env test --out {}/no", "samples fetch --env test chat --output {}/no"]
)
def test_places_that_cannot_be_written_are_named(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path that can't be is an error with the option's name and a way out."""
    file = tmp_path / "file"
    file.touch()
    assert run(line.format(file).split()) == ExitCode.FAILED
    err = capsys.readouterr().err
    assert f"{file}/no: " in err
    assert "hint:  choose a " in err
