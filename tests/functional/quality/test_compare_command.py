"""`llmctl compare` as people run it, against two simulators behind a stand-in of the balancer."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

import cli.context
from cli.app import run
from cli.context import Workspace
from infra.deploy.types import EnvironmentState, ModelState
from infra.environment.rollout import Golden, Quality, Rollout
from infra.environment.slots import Slot
from tests.fakes.environments import model, two_models
from tests.functional.quality.test_golden import (
    FAST,
    KEY,
    forwarding,
    prompts_from,
    served,
)
from tests.functional.servers.conftest import Running, Start
from tests.unit.quality.test_compare import slot_state

pytestmark = pytest.mark.slow
Compare = Callable[..., int]


@pytest.fixture(scope="module")
def healthy(start: Start) -> Running:
    """The old release."""
    return start("simulator", *FAST, VLLM_API_KEY=KEY)


@pytest.fixture(scope="module")
def changing(start: Start) -> Running:
    """The new release, which a test may break."""
    return start("simulator", *FAST, VLLM_API_KEY=KEY)


@contextmanager
def balancer(blue: Running, green: Running) -> Iterator[str]:
    """In a thread of its own, because the command has an event loop for itself."""
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    urls: list[str] = []

    async def serve() -> None:
        async with served(forwarding(blue, green)) as url:
            urls.append(url)
            ready.set()
            await stop.wait()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@pytest.fixture
def compare(
    healthy: Running, changing: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Compare]:
    """Runs the command on an environment whose slots are the two simulators; its exit code."""
    lines = [
        {"id": each.id, "messages": each.ask, "reference": each.reference, "max_tokens": each.max_tokens}
        for each in prompts_from(healthy)
    ]
    (tmp_path / "golden.jsonl").write_text("\n".join(map(json.dumps, lines)))
    golden = Golden(prompts="golden.jsonl", quality=Quality(scorer="exact"))
    environment = msgspec.structs.replace(
        two_models(), models={"chat": model(rollout=Rollout(golden=golden)), "french": model()}
    )
    workspace = Workspace(tmp_path / "test.yaml", environment)
    workspace.__dict__["api_key"] = SimpleNamespace(read=lambda: KEY)
    slots = (slot_state(Slot.BLUE, 3, 3), slot_state(Slot.GREEN, 4, 4))
    with balancer(healthy, changing) as url:
        state = ModelState(name="chat", live=Slot.BLUE, release=3, latest_release=4, url=url, slots=slots)
        deployed = EnvironmentState(environment="test", endpoint="", models=(state,))
        workspace.observe_deployed = lambda: deployed  # type: ignore[method-assign]
        monkeypatch.setattr(cli.context, "open_workspace", lambda env: workspace)
        monkeypatch.chdir(tmp_path)
        yield lambda *words: run(["compare", "--env", "test", "--rate", "100", *words])


def test_equal_releases_pass(compare: Compare, capsys: pytest.CaptureFixture[str]) -> None:
    """What a healthy rollout looks like: both perfect, exit code 0."""
    assert compare("chat", "--output", "r.html", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["old"]["mean"], found["new"]["mean"], found["compared"]) == (100, 100, 12)
    assert found["subject"]["old"] == {"slot": "blue", "release": 3}
    assert Path("r.html").read_text().startswith("<!doctype html>")


def test_a_broken_chat_template_fails(
    compare: Compare, changing: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one regression that no other gate sees; judged the other way round, it is an improvement."""
    changing.post("/simulator", {"garbled": True}, KEY)
    try:
        assert compare("chat") == 1
        shown = capsys.readouterr().out
        assert "difference  -100.0" in shown
        assert "fail: " in shown
        assert compare("chat", "--releases", "4:3") == 0
    finally:
        changing.post("/simulator", {"garbled": False}, KEY)


def test_a_release_that_only_fails_is_inconclusive(
    compare: Compare, changing: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failures are the error gate's; of the answers nothing is known."""
    changing.post("/simulator", {"error_rate": 1}, KEY)
    try:
        assert compare("chat", "--json") == 5
        found = json.loads(capsys.readouterr().out)
        assert (found["compared"], found["new"]["failed"], found["old"]["answered"]) == (0, 12, 12)
        assert "status 500" in found["rows"][0]["problem"]
    finally:
        changing.post("/simulator", {"error_rate": 0}, KEY)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 6, "which model?"),
        (("french",), 6, "how answers are scored"),
        (("french", "--scorer", "exact"), 6, "no golden prompts"),
        (("chat", "--scorer", "judge"), 6, "needs a url"),
        (("chat", "--scorer", "regex"), 6, "no prompt has a pattern"),
        (("chat", "--releases", "5:6"), 6, "aren't the two"),
        (("chat", "--releases", "5"), 64, "is not OLD:NEW"),
        (("chat", "--output", "r.txt"), 64, "a .html or a .json"),
    ],
)
def test_what_cannot_work_is_refused(
    compare: Compare, words: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At once, with the reason and what to do."""
    assert compare(*words) == code
    assert said in capsys.readouterr().err
