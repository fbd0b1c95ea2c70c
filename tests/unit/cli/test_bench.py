"""`bench` on the command line: what it measures, what people see, how it ends."""

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Literal, cast

import msgspec
import pytest
from rich.console import Console

from cli import benching
from cli.app import run
from cli.context import Workspace
from cli.render.bench import progress_line, report_view, save, showing
from infra.bench.generator import Progress
from infra.bench.report import Release, Report
from infra.bench.schedule import Schedule
from infra.deploy.types import EnvironmentState, ModelState, SlotState
from infra.environment.slots import Slot
from infra.errors import ExitCode, LlmctlError, Refused
from tests.fakes.environments import two_models
from tests.unit.bench.test_summary import SETTINGS, answer, failure, report

PROGRESS = Progress(
    elapsed=12.0,
    schedule=Schedule((0.0, 5.0, 11.0, 15.0), 10.0, 20.0),
    sent=3,
    finished=2,
    failures={"http-500": 1},
    rate=4.5,
)


def model_state(name: str, *, blue: int, green: int) -> ModelState:
    """A model whose slots have these weights."""
    slots = tuple(
        SlotState(slot=slot, weight=weight, release=release, wanted=1, replicas=())
        for slot, weight, release in ((Slot.BLUE, blue, 3), (Slot.GREEN, green, 4))
    )
    url = f"http://lb/{name}/v1"
    return ModelState(name=name, live=Slot.BLUE, release=3, latest_release=4, url=url, slots=slots)


def workspace(*, auth: Literal["api-key", "none"] = "api-key", blue: int = 95, green: int = 5) -> Workspace:
    """A deployed environment of two models, chat and french."""
    environment = two_models()
    endpoint = msgspec.structs.replace(environment.endpoint, auth=auth)
    made = Workspace(Path("test.yaml"), msgspec.structs.replace(environment, endpoint=endpoint))
    models = tuple(model_state(name, blue=blue, green=green) for name in environment.models)
    state = EnvironmentState(environment="test", endpoint="http://lb", models=models)
    made.__dict__["api_key"] = SimpleNamespace(read=lambda: "sk-secret")
    made.observe_deployed = made.observe = lambda: state  # type: ignore[method-assign]
    return made


def text_of(result: Report) -> str:
    """What people see."""
    console = Console(file=io.StringIO(), width=120)
    console.print(report_view(result))
    return cast(io.StringIO, console.file).getvalue()


def test_an_environments_model_is_measured_with_its_key() -> None:
    """URL, key and the releases that take traffic come from the environment."""
    subject = benching.of_environment(workspace(), "french")
    assert (subject.target.url, subject.target.model) == ("http://lb/french/v1", "french")
    assert subject.target.environment == "test"
    assert subject.api_key == "sk-secret"
    assert subject.releases() == (
        Release(slot="blue", release=3, weight=95),
        Release(slot="green", release=4, weight=5),
    )


def test_a_slot_without_traffic_is_no_release_under_test() -> None:
    """Idle slots serve nobody."""
    subject = benching.of_environment(workspace(blue=0, green=100), "chat")
    assert [release.slot for release in subject.releases()] == ["green"]


def test_an_open_endpoint_needs_no_key() -> None:
    """And its secret, which does not exist, is not asked for."""
    assert benching.of_environment(workspace(auth="none"), "chat").api_key is None


def test_which_of_several_models_must_be_said() -> None:
    """A guess would measure the wrong one."""
    with pytest.raises(Refused, match="which model") as caught:
        benching.of_environment(workspace(), None)
    assert "chat, french" in caught.value.hint
    with pytest.raises(Refused, match="no model 'spanish'"):
        benching.of_environment(workspace(), "spanish")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:8000/v1", "not a base URL"),
        ("ftp://host/v1", "not a base URL"),
        ("http://host:port/v1", "not a base URL"),
        ("http://[::1/v1", "not a base URL"),
        ("http://host/v1?key=a", "not a base URL"),
        ("http://me:secret@host/v1", "a password in it is seen by all"),
    ],
)
def test_wrong_urls_are_refused(url: str, said: str) -> None:
    """Before a minute of failures, and without repeating a password."""
    with pytest.raises(Refused, match=said) as caught:
        benching.of_url(url, "chat", None)
    assert "secret" not in caught.value.message


def test_the_key_comes_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments are visible to every process."""
    monkeypatch.setenv("BENCH_KEY", "sk-secret")
    assert benching.of_url("http://host/v1/", "chat", "BENCH_KEY").api_key == "sk-secret"
    assert benching.of_url("http://host/v1/", "chat", None).target.url == "http://host/v1"
    monkeypatch.setenv("BENCH_KEY", "sk-secret\nx")
    with pytest.raises(Refused, match="can't be sent in a header") as caught:
        benching.of_url("http://host/v1", "chat", "BENCH_KEY")
    assert "secret" not in caught.value.message
    monkeypatch.delenv("BENCH_KEY")
    with pytest.raises(Refused, match="BENCH_KEY: this variable is not set"):
        benching.of_url("http://host/v1", "chat", "BENCH_KEY")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--env", "local", "--url", "http://host/v1"],
        ["--url", "http://host/v1", "--model", "m", "--rate", "0"],
        ["--url", "http://host/v1", "--model", "m", "--rate", "nan"],
        ["--url", "http://host/v1", "--model", "m", "--rate", "inf"],
        ["--url", "http://host/v1", "--model", "m", "--duration", "0s"],
        ["--url", "http://host/v1", "--model", "m", "n"],
        ["--env", "local", "--api-key-env", "KEY"],
        ["--url", "http://host/v1", "--model", "m", "--slo", "ttft=soon"],
        ["--url", "http://host/v1", "--model", "m", "--arrivals", "bursts"],
    ],
)
def test_wrong_usage(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said at once, with code 64."""
    monkeypatch.delenv("LLMCTL_ENV", raising=False)
    assert run(["bench", *arguments]) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_prompts_that_can_not_be_read_are_refused(tmp_path: Path) -> None:
    """With the system's reason."""
    with pytest.raises(Refused, match="No such file"):
        benching.prompts_of(tmp_path / "none.jsonl", seed=1, max_tokens=4)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(Refused, match="codec"):
        benching.prompts_of(binary, seed=1, max_tokens=4)


def test_verdicts() -> None:
    """Too many failures win over nothing measured; an interrupted run is never done."""
    mixed = report(answer(2), answer(3), answer(4), failure(5))
    assert benching.verdict(mixed, None) is ExitCode.OK
    assert benching.verdict(mixed, 25) is ExitCode.OK
    assert benching.verdict(mixed, 24) is ExitCode.FAILED
    assert benching.verdict(report(failure(2)), None) is ExitCode.INCONCLUSIVE
    assert benching.verdict(report(failure(2)), 10) is ExitCode.FAILED
    assert benching.verdict(report(), None) is ExitCode.INCONCLUSIVE
    assert benching.verdict(replace(mixed, interrupted=True), None) is ExitCode.INCONCLUSIVE


def test_people_see_rates_times_failures_and_warnings() -> None:
    """The table says what the JSON says; what a server sent is shown as it is, not as markup."""
    shown = text_of(report(answer(2), failure(3, detail="[red]x")))
    for part in (
        "2 scheduled, 2 sent, 1 succeeded, 1 failed",
        "0.20/s offered",
        "counted by usage",
        "[red]x",
    ):
        assert part in shown
    assert "first token" in shown
    assert "1100.0" not in shown
    assert "1200.0" in shown
    assert "warning: the generator was late itself" in text_of(report(answer(2, lag=0.1)))


def test_people_see_groups() -> None:
    """Each by its name, as the server gave it."""
    by_header = replace(SETTINGS, group_by="x-release")
    assert "[3]" in text_of(report(answer(2, group="[3]"), settings=by_header))
    target = replace(report().target, releases_before=(Release(slot="blue", release=3, weight=100),))
    target = replace(target, releases_after=target.releases_before)
    assert "blue 3" in text_of(report(answer(2), target=target))


def test_a_run_without_answers_can_be_shown() -> None:
    """No figure is better than a made-up one."""
    shown = text_of(report(failure(2)))
    assert "unknown of prompts" in shown


def test_progress_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal, every ten seconds and on stderr."""
    line = "measuring 12/20 s: 3/4 sent, 1 in flight, 4.5 answers/s, 1 failed (http-500 1)"
    assert progress_line(PROGRESS) == line
    with showing() as watch:
        watch(PROGRESS)
        watch(replace(PROGRESS, elapsed=13.0))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"{line}\n")


def test_an_output_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    """After a long run, the reason matters."""
    with pytest.raises(LlmctlError, match="Is a directory"):
        save(report(), tmp_path)
