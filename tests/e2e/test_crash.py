"""Whatever kills the command line, the next command finds its way. On simulators: no real model is needed."""

import signal
from collections.abc import Iterator

import pytest
from openai import OpenAI

from infra.aws.session import Session
from infra.embedded.client import Cloud
from tests.e2e.harness import Project, eventually, project

NAME = "crash"
ENVIRONMENT = """\
environment: crash
provider: {name: embedded, region: us-east-1, account: "123456789012"}
network: {cidr: 10.30.0.0/16}
endpoint: {allow_cidrs: [127.0.0.0/8], port: 8080, default_model: french}
models:
  french: &model
    source: hf://example/translator-7B
    engine: {name: simulator, version: "1"}
    instances: {types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}
    replicas: {min: 1, max: 2}
    routing: {deregistration_delay: 5s}
  spanish: *model
"""

pytestmark = [pytest.mark.terraform, pytest.mark.slow, pytest.mark.xdist_group("crash")]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose first deploy was killed while Terraform was creating the load balancer."""
    with project(tmp_path_factory.mktemp("crash"), NAME, ENVIRONMENT) as made:
        deploy = made.start("deploy", "--env", NAME, "--yes")
        assert deploy.stderr
        said = []
        for line in deploy.stderr:
            said.append(line)
            if "created aws_iam_role" in line:
                break
        else:
            pytest.fail(f"deploy ended before it could be killed:\n{''.join(said)}")
        deploy.send_signal(signal.SIGKILL)
        deploy.communicate(timeout=30)
        yield made


def test_inventory_shows_what_the_crash_left(crashed: Project) -> None:
    """What a killed apply created can be listed."""
    left = crashed.ok("inventory", "--env", NAME, "--json").json()
    assert {entry["kind"] for entry in left} >= {"iam role"}


def test_next_deploy_completes(crashed: Project) -> None:
    """A deploy after kill -9 finishes the work: locks are released, nothing is made twice."""
    crashed.ok("deploy", "--env", NAME, "--yes")
    assert len(crashed.healthy("french")) == 1
    assert len(crashed.healthy("spanish")) == 1
    assert crashed.run("plan", "--env", NAME).code == 0


def test_each_model_answers_on_its_own_path(crashed: Project) -> None:
    """Two models share the balancer: the default one on the bare endpoint, both below their names."""
    state = crashed.ok("status", "--env", NAME, "--json").json()
    key = crashed.ok("api-key", "--env", NAME).out.strip()
    urls = {model["name"]: model["url"] for model in state["models"]}
    assert urls["french"] == f"{state['endpoint']}/v1"
    assert urls["spanish"] == f"{state['endpoint']}/spanish/v1"
    for name, url in urls.items():
        served = OpenAI(base_url=url, api_key=key, max_retries=0).models.list()
        assert [model.id for model in served] == [name]


def test_scaling_one_model_leaves_the_other_alone(crashed: Project) -> None:
    """Models scale on their own."""
    before = crashed.healthy("spanish")
    crashed.change("  spanish: *model", "  spanish:\n    <<: *model\n    spot: {overprovision: 1}")
    crashed.ok("deploy", "--env", NAME, "--yes")
    assert len(crashed.healthy("spanish")) == 2
    assert before <= crashed.healthy("spanish")
    assert len(crashed.healthy("french")) == 1


def test_protected_environment_is_not_destroyed(crashed: Project) -> None:
    """`protect: true` stops destroy before anything is touched."""
    crashed.change("network:", "protect: true\nnetwork:")
    result = crashed.run("destroy", "--env", NAME, "--yes")
    assert result.code == 6
    assert "protect" in result.err
    assert len(crashed.healthy("french")) == 1
    crashed.change("protect: true\n", "")


def test_destroy_without_yes_or_terminal_is_refused(crashed: Project) -> None:
    """A script can't destroy by accident."""
    assert crashed.run("destroy", "--env", NAME).code == 6
    assert len(crashed.healthy("french")) == 1


def test_destroy_after_a_crash_leaves_nothing(crashed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Destroy takes away everything, also what a killed destroy has not, and what no state knows any more."""
    destroy = crashed.start("destroy", "--env", NAME, "--yes")
    assert destroy.stderr
    for line in destroy.stderr:
        if "deleted" in line:
            break
    destroy.send_signal(signal.SIGKILL)
    destroy.communicate(timeout=30)
    lose_the_state(crashed, monkeypatch)
    told = crashed.ok("destroy", "--env", NAME, "--yes")
    assert "ec2 vpc " in told.err
    assert crashed.ok("inventory", "--env", NAME, "--json").json() == []
    crashed.ok("local", "down", NAME)
    assert crashed.processes() == []
    assert crashed.ok("destroy", "--env", NAME, "--yes").out == f"{NAME}: nothing is left\n"


def lose_the_state(crashed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst that a crash can do: whatever was made is in no state."""
    monkeypatch.setenv("LLMCTL_STATE_DIR", crashed.variables["LLMCTL_STATE_DIR"])
    cloud = Cloud.locate(NAME)
    assert cloud
    client = Session("us-east-1", cloud.environment_over({})).s3
    bucket = "llmctl-state-123456789012-us-east-1"

    def kept() -> list[str]:
        listed = client.list_objects_v2(Bucket=bucket, Prefix=f"{NAME}/")
        return [each["Key"] for each in listed.get("Contents", [])]

    def let_go() -> bool:
        return not any(key.endswith(".tflock") for key in kept())

    # Terraform outlives its killed driver until it has written its state: what was lost before is back then.
    eventually(let_go, within=60, what="Terraform has written its state and let go of it")
    assert kept()
    for key in kept():
        client.delete_object(Bucket=bucket, Key=key)
