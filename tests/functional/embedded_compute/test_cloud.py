"""The embedded cloud with real processes: instances boot, serve, fail, and leave nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from infra.embedded import client, processes
from infra.embedded.client import Cloud
from infra.errors import LlmctlError, Refused
from tests.functional.embedded_compute import group
from tests.functional.embedded_compute.conftest import aws, until

pytestmark = pytest.mark.slow


def cloud_processes(cloud: Cloud) -> list[int]:
    """All processes of a cloud but this one."""
    return processes.marked(processes.CLOUD_MARK, str(cloud.directory))


def console(cloud: Cloud, instance_id: str) -> str:
    """An instance's console log."""
    return (cloud.directory / "console" / f"{instance_id}.log").read_text()


def test_instances_live_and_are_replaced(cloud: Cloud) -> None:
    """User data runs a service; a crashed machine is replaced, a crashed service restarted."""
    group.create(cloud, size=2)
    first = until(lambda: group.serving(cloud, 2), "two instances serve")
    assert {group.fetch(address) for address in first.values()} == {"made by cloud-init"}
    victim, survivor = first
    assert "cloud-init: user-data-is-done" in console(cloud, victim)
    assert f"web.service: serving on {first[victim]}" in console(cloud, victim)

    group.fetch(first[survivor], "/crash")
    until(lambda: group.fetch(first[survivor]), "the service is restarted")
    assert "web.service: Main process exited, code=exited, status=3" in console(cloud, survivor)

    root = cloud.directory / "instances" / victim
    cloud.kill_instance(victim)
    assert not processes.marked(processes.INSTANCE_MARK, str(root))
    second = until(
        lambda: victim not in group.serving(cloud, 2) and group.serving(cloud, 2), "it is replaced"
    )
    assert survivor in second
    assert first[victim] not in second.values()
    reservations = aws(cloud, "ec2").describe_instances(InstanceIds=[victim])["Reservations"]
    instance = reservations[0]["Instances"][0]
    assert instance["State"]["Name"] == "terminated"
    assert instance["StateReason"]["Code"] == "Server.InternalError"
    assert not root.exists()
    with pytest.raises(LlmctlError, match="no machine runs"):
        cloud.kill_instance(victim)

    group.resize(cloud, 0)
    until(lambda: not cloud.status()["instances"], "scaling in ends the machines")
    assert "init: stopped" in console(cloud, survivor)
    assert cloud.status()["errors"] == []


def test_spot_interruption(cloud: Cloud) -> None:
    """A spot instance gets a notice first, is taken when the time is over, and EC2 says why."""
    group.create(cloud, size=1, spot=True)
    (instance_id,) = until(lambda: group.serving(cloud, 1), "the instance serves")
    assert cloud.status()["instances"][0]["market"] == "spot"
    cloud.interrupt_instance(instance_id, 1)
    assert cloud.status()["instances"][0]["phase"] in {"interrupted", "dead"}

    def reason() -> str:
        found = aws(cloud, "ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]
        return str(found["Instances"][0].get("StateReason", {}).get("Code", ""))

    until(lambda: reason() == "Server.SpotInstanceTermination", "the instance is taken")


def test_on_demand_is_not_interrupted(cloud: Cloud) -> None:
    """The spot market has no say about on-demand instances."""
    group.create(cloud, size=1)
    (instance_id,) = until(lambda: group.serving(cloud, 1), "the instance serves")
    with pytest.raises(LlmctlError, match="on demand"):
        cloud.interrupt_instance(instance_id)


def test_a_killed_daemon_leaves_no_process(cloud: Cloud) -> None:
    """SIGKILL to the daemon alone ends everything: balancer, machines, services, their detached children."""
    group.create(cloud, size=2)
    until(lambda: group.serving(cloud, 2), "two instances serve")
    assert len(cloud_processes(cloud)) >= 7  # daemon, and per instance an init, a service and a sleep
    os.kill(cloud.pid, signal.SIGKILL)
    until(lambda: not cloud_processes(cloud), "all processes are gone", 10)
    assert Cloud.locate(cloud.name) is None


def test_stop_leaves_no_process(cloud: Cloud) -> None:
    """`stop` returns when nothing is left, and only the logs remain."""
    group.create(cloud, size=1)
    (instance_id,) = until(lambda: group.serving(cloud, 1), "the instance serves")
    cloud.stop()
    assert not cloud_processes(cloud)
    assert Cloud.locate(cloud.name) is None
    assert not list((cloud.directory / "instances").iterdir())
    assert "init: stopped" in console(cloud, instance_id)


def test_two_clouds_side_by_side(start_cloud: Callable[[str], Cloud]) -> None:
    """Each cloud has its own addresses and account; stopping one leaves the other alone."""
    one, other = start_cloud("one"), start_cloud("other")
    assert client.clouds() == ["one", "other"]
    for cloud in (one, other):
        group.create(cloud, size=1)
    addresses = [until(partial(group.serving, cloud, 1), "it serves") for cloud in (one, other)]
    assert len({address for found in addresses for address in found.values()}) == 2
    one.stop()
    assert client.clouds() == ["other"]
    assert group.serving(other, 1) == addresses[1]


def test_ensure_finds_the_running_cloud(cloud: Cloud) -> None:
    """A second start is the same cloud, and a second daemon in its folder is refused."""
    assert Cloud.ensure(cloud.name) == cloud == Cloud.ensure(cloud.name, speed=1)
    with pytest.raises(Refused, match="at speed 1"):
        Cloud.ensure(cloud.name, speed=10)
    command = [
        sys.executable,
        "-m",
        "infra.embedded.daemon",
        "--name",
        "test",
        "--directory",
        str(cloud.directory),
    ]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert "runs in" in second.stderr
    assert cloud.status()["pid"] == cloud.pid


def test_dies_with_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud started for another process ends when that one does, however it does."""
    monkeypatch.setenv("LLMCTL_STATE_DIR", str(tmp_path))
    owner = subprocess.Popen(["sleep", "1000"])
    try:
        cloud = Cloud.ensure("owned", die_with=owner.pid)
    finally:
        owner.kill()
        owner.wait()
    until(lambda: not cloud_processes(cloud), "the cloud is gone")


def test_a_failed_start_shows_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the daemon can't start, the error says why, from its log."""
    monkeypatch.setenv("LLMCTL_STATE_DIR", str(tmp_path))
    folder = client.cloud_directory("broken")
    folder.mkdir(parents=True)
    (folder / "bin").write_text("a file where a folder must be")
    with pytest.raises(LlmctlError, match="FileExistsError"):
        Cloud.ensure("broken", die_with=os.getpid())
