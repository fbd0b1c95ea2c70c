"""The whole story on the embedded cloud with a real model: deploy, talk, lose a replica, scale, tear down."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import AuthenticationError, OpenAI

from infra.embedded.client import Cloud
from tests.e2e.harness import Project, Result, eventually, project

LOCAL = Path(__file__).parents[2] / "environments" / "local.yaml"
NAME = "story"
PLAN = "story.plan"

pytestmark = [pytest.mark.terraform, pytest.mark.slow, pytest.mark.xdist_group("story")]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with the shipped local environment under a name of its own."""
    text = LOCAL.read_text().replace("environment: local", f"environment: {NAME}")
    with project(tmp_path_factory.mktemp("story"), NAME, text) as made:
        yield made


@pytest.fixture(scope="module")
def deployed(story: Project) -> Result:
    """The first deploy, of a plan that was made before, as if on another machine."""
    planned = story.run("plan", "--env", NAME, "--out", str(story.folder / PLAN), "--markdown")
    assert planned.code == 2
    assert "a new environment" in planned.out
    shutil.rmtree(story.folder / "state" / "environments" / NAME / "run")
    return story.ok("deploy", "--env", NAME, "--plan", str(story.folder / PLAN), "--yes", "--json")


@pytest.fixture(scope="module")
def client(story: Project, deployed: Result) -> OpenAI:
    """The official client, pointed at the load balancer."""
    model = deployed.json()["models"][0]
    return OpenAI(
        base_url=model["url"], api_key=story.ok("api-key", "--env", NAME).out.strip(), max_retries=0
    )


def test_deploy_ends_with_everything_healthy(story: Project, deployed: Result) -> None:
    """`deploy` returns only when the load balancer sees every replica healthy."""
    assert len(story.healthy()) == 2
    assert deployed.json()["models"][0]["slots"][0]["weight"] == 100


def test_real_model_answers_through_the_balancer(client: OpenAI) -> None:
    """A completion of SmolLM2 comes back: the model knows the capital of France."""
    answer = client.completions.create(
        model="chat", prompt="The capital of France is", max_tokens=8, temperature=0
    )
    assert "Paris" in answer.choices[0].text


def test_chat_plain(client: OpenAI) -> None:
    """A chat completion carries text and token counts."""
    answer = client.chat.completions.create(
        model="chat", messages=[{"role": "user", "content": "Say hello."}], max_tokens=8
    )
    assert answer.choices[0].message.content
    assert answer.usage
    assert answer.usage.completion_tokens > 0


def test_chat_streaming(client: OpenAI) -> None:
    """A stream arrives in pieces and is finished properly."""
    chunks = list(
        client.chat.completions.create(
            model="chat", messages=[{"role": "user", "content": "Count to five."}], max_tokens=16, stream=True
        )
    )
    assert len(chunks) > 3
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")


def test_wrong_key_is_refused(client: OpenAI) -> None:
    """Nobody gets an answer without the key."""
    stranger = client.with_options(api_key="wrong")
    with pytest.raises(AuthenticationError):
        stranger.completions.create(model="chat", prompt="x", max_tokens=1)


def test_key_is_nowhere_but_in_the_secret(story: Project, client: OpenAI) -> None:
    """Neither state, plan, logs, files nor process arguments carry the key."""
    key = client.api_key
    kept = [path for path in (story.folder / "state").rglob("*") if path.is_file()]
    assert kept
    # The engine's own env file is the one place where an instance may keep it, readable by its owner only.
    leaks = [path for path in kept if key.encode() in path.read_bytes() and path.stat().st_mode & 0o077]
    assert leaks == []
    with zipfile.ZipFile(story.folder / PLAN) as archive:
        assert not any(key.encode() in archive.read(name) for name in archive.namelist())
    arguments = [(Path("/proc") / str(pid) / "cmdline").read_bytes() for pid in story.processes()]
    assert not any(key.encode() in line for line in arguments)


def test_plan_after_deploy_is_empty(story: Project, deployed: Result) -> None:
    """Terraform sees nothing to do after a deploy (exit code 0, not 2)."""
    assert story.run("plan", "--env", NAME).code == 0


def test_second_deploy_says_no_changes(story: Project, deployed: Result) -> None:
    """Deploying again changes nothing and says so."""
    before = story.healthy()
    again = story.ok("deploy", "--env", NAME, "--yes")
    assert "no changes" in (again.out + again.err).lower()
    assert story.healthy() == before


def test_a_plan_is_applied_once(story: Project, deployed: Result) -> None:
    """When the state has moved on, or the file has, nothing is applied (exit code 3)."""
    before = story.healthy()
    stale = story.run("deploy", "--env", NAME, "--plan", str(story.folder / PLAN), "--yes")
    assert (stale.code, "the state changed" in stale.err) == (3, True)
    story.change("max: 4", "max: 5")
    moved = story.run("deploy", "--env", NAME, "--plan", str(story.folder / PLAN), "--yes")
    assert (moved.code, "not the file that was planned" in moved.err) == (3, True)
    told = story.run("plan", "--env", NAME)
    assert (told.code, "chat: max replicas 4 -> 5" in told.out) == (2, True)
    rules, archive = story.folder / "rules", story.folder / "denied.plan"
    rules.mkdir()
    (rules / "policy.yaml").write_text("regions: [eu-*]\n")
    denied = story.run("plan", "--env", NAME, "--policy", str(rules), "--out", str(archive))
    assert (denied.code, "us-east-1 is not one of eu-*" in denied.out, archive.exists()) == (6, True, False)
    story.change("max: 5", "max: 4")
    assert story.healthy() == before


def test_logs_tell_what_engine_and_agent_say(story: Project, deployed: Result) -> None:
    """`logs` shows lines of both sources."""
    lines = story.ok("logs", "--env", NAME, "chat", "--since", "1h").out
    assert " engine " in lines
    assert " agent " in lines


def test_killed_replica_is_replaced(story: Project, client: OpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    """The group replaces a crashed instance; the endpoint goes on answering meanwhile."""
    before = story.healthy()
    monkeypatch.setenv("LLMCTL_STATE_DIR", story.variables["LLMCTL_STATE_DIR"])
    cloud = Cloud.locate(NAME)
    assert cloud
    victim = sorted(before)[0]
    cloud.kill_instance(victim)
    eventually(lambda: victim not in story.healthy(), within=30, what="the dead replica is noticed")
    answer = client.completions.create(model="chat", prompt="The capital of France is", max_tokens=4)
    assert answer.choices
    eventually(lambda: len(story.healthy() - {victim}) == 2, within=120, what="a replacement is healthy")
    assert story.run("plan", "--env", NAME).code == 0


def test_scaling_by_the_file(story: Project, deployed: Result) -> None:
    """A changed minimum in the file becomes replicas, and the old ones stay."""
    before = story.healthy()
    story.change("min: 2", "min: 3")
    story.ok("deploy", "--env", NAME, "--yes")
    after = story.healthy()
    assert len(after) == 3
    assert before <= after


def test_destroy_leaves_nothing(story: Project, deployed: Result) -> None:
    """After destroy no resource is left in the cloud, and after `local down` no process on the machine."""
    story.ok("destroy", "--env", NAME, "--yes")
    left = story.ok("inventory", "--env", NAME, "--json").json()
    assert left == []
    story.ok("local", "down", NAME)
    assert story.processes() == []


def test_state_is_only_in_the_bucket(story: Project) -> None:
    """The run directory never holds a resource's state: any machine can take over."""
    kept = (story.folder / "state").rglob("*.tfstate")
    assert [path for path in kept if json.loads(path.read_text()).get("resources")] == []
