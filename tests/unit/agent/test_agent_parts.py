"""The agent's small pure parts: command line, environment file, metrics, metadata."""

from pathlib import Path

import pytest

from infra.agent.config import AgentConfig, Launch
from infra.agent.engine import env_file_text, run_command
from infra.agent.machine import Notice, NoticeKind
from infra.agent.metadata import InstanceNotices, Metadata, MetadataUnavailable, read_identity
from infra.agent.telemetry.exposition import total

LAUNCH = Launch(image="vllm/vllm-openai:v0.18", args=("--model", "m"), gpus=True, api_key_env="VLLM_API_KEY")


class FakeMetadata(Metadata):
    """Paths and texts; None as a whole: the service is down."""

    def __init__(self, paths: dict[str, str] | None) -> None:
        super().__init__("http://192.0.2.1")
        self.paths = paths

    def read(self, path: str) -> str | None:
        """As the service."""
        if self.paths is None:
            raise MetadataUnavailable("down")
        return self.paths.get(path)


def test_docker_command_holds_no_secret_and_ends_with_the_engine() -> None:
    """Arguments are visible to every process: the key goes through the file."""
    command = run_command(LAUNCH, root="", env_file=Path("/run/llmctl/engine.env"), weights=True)
    text = " ".join(command)
    assert text.startswith("docker run --rm --name engine --network host")
    assert "--gpus all" in text
    assert text.endswith("vllm/vllm-openai:v0.18 --model m")
    assert "--env-file /run/llmctl/engine.env" in text
    assert "--log-driver local" in text, "the default would fill the disk"
    assert "-v /var/lib/llmctl/weights:/var/lib/llmctl/weights:ro" in text


def test_env_file_refuses_line_breaks() -> None:
    """A line break in a value would make the rest of it a variable of its own."""
    assert env_file_text({"A": "1", "B": "x y"}) == "A=1\nB=x y\n"
    with pytest.raises(ValueError, match="B has a line break"):
        env_file_text({"B": "1\nC=2"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('# HELP r x\nr{model_name="a"} 2.0\nw{model_name="a"} 3\nother 9\n', 5),
        ("r 0\nw 0\n", 0),
        ('r{path="a b}c",x="1"} 1 1700000000\n', 1),
        ("other 1\n", None),
        ("r NaN\n", None),
        ("r\n", None),
    ],
)
def test_in_flight_is_the_sum_of_the_gauges(text: str, expected: int | None) -> None:
    """Zero must mean drained; a metric that isn't there must not look like zero."""
    assert total(text, ("r", "w")) == expected


def test_spot_notice_has_its_deadline_on_the_callers_clock() -> None:
    """The drain budget is cut by what the notice leaves."""
    paths = {"meta-data/spot/instance-action": '{"action": "terminate", "time": "2027-01-15T08:02:00Z"}'}
    notices = InstanceNotices(FakeMetadata(paths), lambda text: None, wall=lambda: 1_800_000_000.0)
    assert notices.current(50.0) == Notice(NoticeKind.SPOT, 170.0)
    paths["meta-data/autoscaling/target-lifecycle-state"] = "Terminated"
    assert notices.current(50.0) == Notice(NoticeKind.SPOT, 170.0, retired=True)


def test_a_notice_is_timed_by_who_gave_it() -> None:
    """An instance whose clock is wrong drains neither late nor early."""
    paths = {"meta-data/spot/instance-action": '{"action": "terminate", "time": "2027-01-15T08:02:00Z"}'}
    metadata = FakeMetadata(paths)
    metadata.served_at = 1_800_000_000.0
    notices = InstanceNotices(metadata, lambda text: None, wall=lambda: 1_800_000_600.0)
    assert notices.current(50.0) == Notice(NoticeKind.SPOT, 170.0)


def test_a_notice_outlives_the_service_that_gave_it() -> None:
    """Silence doesn't take it back: the instance is still taken."""
    paths = {"meta-data/autoscaling/target-lifecycle-state": "Terminated"}
    metadata = FakeMetadata(paths)
    notices = InstanceNotices(metadata, lambda text: None)
    known = notices.current(0.0)
    metadata.paths = None
    assert notices.current(9.0) == known == Notice(NoticeKind.TERMINATED)


def test_terminated_is_a_notice_and_in_service_is_none() -> None:
    """Only the group's decision to terminate drains the replica."""
    paths = {"meta-data/autoscaling/target-lifecycle-state": "InService"}
    notices = InstanceNotices(FakeMetadata(paths), lambda text: None)
    assert notices.current(0.0) is None
    paths["meta-data/autoscaling/target-lifecycle-state"] = "Terminated"
    assert notices.current(0.0) == Notice(NoticeKind.TERMINATED)


def test_rebalance_is_told_once() -> None:
    """A recommendation stays readable for the rest of the instance's life; one event is enough."""
    told: list[str] = []
    notices = InstanceNotices(FakeMetadata({"meta-data/events/recommendations/rebalance": "{}"}), told.append)
    notices.current(0.0)
    notices.current(5.0)
    assert told == ["{}"]


def test_silent_metadata_service_is_no_news() -> None:
    """A metadata service that doesn't answer must not end a serving replica."""
    assert InstanceNotices(FakeMetadata(None), lambda text: None).current(0.0) is None


def test_identity_comes_from_document_and_tags() -> None:
    """Without readable tags the replica still runs; only its slot isn't known."""
    document = '{"instanceId": "i-1", "instanceType": "g5.xlarge", "availabilityZone": "us-east-1a"}'
    paths = {"dynamic/instance-identity/document": document, "meta-data/tags/instance/llmctl:slot": "blue"}
    identity = read_identity(FakeMetadata(paths))
    assert (identity.instance_id, identity.slot, identity.market) == ("i-1", "blue", "")


def test_config_survives_the_way_to_the_instance() -> None:
    """User data carries the configuration as JSON: nothing may be lost or change its type."""
    config = AgentConfig(
        environment="local",
        model="chat",
        region="us-east-1",
        runtime_table="llmctl-local",
        log_group="/llmctl/local/chat",
        api_key_secret=None,
        weights_uri="s3://b/k",
        engine=LAUNCH,
        launch_hook="l",
        terminate_hook="t",
        drain_seconds=60,
    )
    assert AgentConfig.from_json(config.to_json()) == config
