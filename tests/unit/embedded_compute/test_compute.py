"""Compute carries out decisions: with a recording EC2, metadata service and real, tiny machines."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from infra.embedded import processes
from infra.embedded.addresses import Addresses
from infra.embedded.aws.views import Instance
from infra.embedded.compute import machine as machines
from infra.embedded.compute.compute import Compute, Ec2
from infra.embedded.compute.machine import Cloud, Machine
from infra.embedded.troubles import Trouble
from infra.errors import LlmctlError, Refused

INSTANCE = Instance(
    id="i-1",
    account="123456789012",
    region="eu-west-1",
    state="pending",
    zone="eu-west-1a",
    subnet_id=None,
    instance_type="g5.xlarge",
    market="spot",
    image_id="ami-1",
    user_data=b"#!/bin/sh\n",
    tags={},
    metadata_tags=False,
    role_name=None,
    private_ip="10.0.0.1",
    launched=0.0,
    launch_template_id=None,
    launch_template_version=None,
    autoscaling_group=None,
    target_lifecycle_state=None,
)


@dataclass
class Recorder:
    """EC2 and the metadata service: what compute told them."""

    instances: list[Instance] = field(default_factory=lambda: [INSTANCE])
    told: list[tuple[str, ...]] = field(default_factory=list)
    fail_next_open: bool = False

    def mark_running(self, instance_id: str) -> None:
        """Like `ec2.mark_running`."""
        self.told.append(("running", instance_id))
        self.instances = [replace(item, state="running") for item in self.instances]

    def mark_terminated(self, instance_id: str, reason: str) -> None:
        """Like `ec2.mark_terminated`."""
        self.told.append(("terminated", instance_id, reason.partition(":")[0]))
        self.instances = []

    def mark_stopped(self, instance_id: str) -> None:
        """Like `ec2.mark_stopped`."""
        self.told.append(("stopped", instance_id))
        self.instances = [replace(item, state="stopped") for item in self.instances]

    def open(self, instance_id: str, address: str) -> None:
        """Like the metadata service's."""
        if self.fail_next_open:
            self.fail_next_open = False
            raise OSError("address in use")

    def close(self, address: str) -> None:
        """Like the metadata service's."""

    def set_interruption(self, instance_id: str, action: str, at: float) -> None:
        """Like the metadata service's."""
        self.told.append(("notice", instance_id, action))

    def set_rebalance(self, instance_id: str, at: float) -> None:
        """Like the metadata service's."""
        self.told.append(("rebalance", instance_id))

    def set_outage(self, instance_id: str, *, out: bool) -> None:
        """Like the metadata service's."""
        self.told.append(("outage", instance_id, str(out)))


def boot_sleep(instance: Instance, address: str, cloud: Cloud) -> Machine:
    """A machine whose first process sleeps and obeys SIGTERM."""
    root = cloud.root(instance.id)
    root.mkdir(parents=True, exist_ok=True)
    process = processes.spawn(
        ["sleep", "1000"],
        environment=machines.environment(instance, address, cloud),
        directory=root,
        output=subprocess.DEVNULL,
    )
    return Machine(instance=instance, address=address, root=root, process=process)


@pytest.fixture
def recorder() -> Recorder:
    """EC2 with one pending instance."""
    return Recorder()


@pytest.fixture
def compute(tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Compute]:
    """Compute with sleeping machines."""
    monkeypatch.setattr(machines, "boot", boot_sleep)
    addresses = Addresses.claim("compute-test")
    cloud = Cloud(
        directory=tmp_path,
        bin_folder=tmp_path / "bin",
        api_url="http://127.9.0.1:1",
        metadata_port=1338,
        cache=tmp_path / "cache",
    )
    ec2 = Ec2(
        lambda: recorder.instances,
        recorder.mark_running,
        recorder.mark_terminated,
        recorder.mark_stopped,
        lambda instance: recorder.told.append(("interruption announced", instance)),
        lambda instance: recorder.told.append(("rebalance announced", instance)),
    )
    compute = Compute(cloud, addresses, ec2, recorder)
    yield compute
    compute.finish_stop()
    addresses.release()


def wait_for_end(compute: Compute) -> None:
    """Wait until the machine's first process has ended."""
    compute.machines["i-1"].process.wait(10)


def test_boot(compute: Compute, recorder: Recorder) -> None:
    """A pending instance gets a machine once, and is then running."""
    compute.reconcile(0.0)
    compute.reconcile(1.0)
    assert recorder.told == [("running", "i-1")]
    assert compute.machines["i-1"].phase == "booting"
    assert compute.addresses.find("i-1") == compute.machines["i-1"].address


def test_termination(compute: Compute, recorder: Recorder) -> None:
    """A terminated instance's machine is shut down and its address and folder freed; EC2 knows already."""
    compute.reconcile(0.0)
    recorder.instances = [replace(INSTANCE, state="terminated")]
    compute.reconcile(1.0)
    wait_for_end(compute)
    compute.reconcile(2.0)
    assert not compute.machines
    assert compute.addresses.find("i-1") is None
    assert not compute.cloud.root("i-1").exists()
    assert recorder.told == [("running", "i-1")]


def test_crash(compute: Compute, recorder: Recorder) -> None:
    """A machine that was killed is reported to EC2, so that its group can replace it."""
    compute.reconcile(0.0)
    compute.kill("i-1")
    wait_for_end(compute)
    compute.reconcile(1.0)
    assert recorder.told[1:] == [("terminated", "i-1", "Server.InternalError")]
    with pytest.raises(LlmctlError, match="no machine runs for i-1"):
        compute.kill("i-1")


def test_interruption(compute: Compute, recorder: Recorder) -> None:
    """The notice comes at once, the end when its time is over, with the market as the reason."""
    compute.reconcile(0.0)
    compute.interrupt("i-1", 120.0)
    compute.reconcile(119.0)
    assert compute.machines["i-1"].phase == "interrupted"
    compute.reconcile(120.0)
    wait_for_end(compute)
    compute.reconcile(121.0)
    assert recorder.told[1:] == [
        ("notice", "i-1", "terminate"),
        ("interruption announced", "i-1"),
        ("terminated", "i-1", "Server.SpotInstanceTermination"),
    ]


def test_on_demand_instances_are_not_the_spot_markets(compute: Compute, recorder: Recorder) -> None:
    """Neither notice nor recommendation for an instance that is on demand."""
    recorder.instances = [replace(INSTANCE, market="on-demand")]
    compute.reconcile(0.0)
    with pytest.raises(Refused, match="on demand"):
        compute.interrupt("i-1", 1.0)
    with pytest.raises(Refused, match="on demand"):
        compute.recommend_rebalance("i-1", 1.0)


def test_a_failed_boot_is_tried_again_later(compute: Compute, recorder: Recorder) -> None:
    """An instance that can't start stays pending and is retried: replacing it would only fail faster."""
    recorder.fail_next_open = True
    with pytest.raises(OSError, match="in use"):
        compute.reconcile(0.0)
    compute.reconcile(4.9)
    assert recorder.told == []
    assert compute.addresses.find("i-1") is None
    compute.reconcile(5.0)
    assert recorder.told == [("running", "i-1")]


def test_nothing_of_the_host_reaches_an_instance(compute: Compute, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is made from nothing: credentials of the host's user are not in it."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("HF_TOKEN", "real")
    environment = machines.environment(INSTANCE, "127.9.0.2", compute.cloud)
    assert "real" not in environment.values()
    assert environment["AWS_REGION"] == "eu-west-1"
    assert environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == "http://127.9.0.2:1338/"
    assert environment["HOME"].startswith(environment["INSTANCE_ROOT"])


def test_boot_writes_the_user_data(tmp_path: Path) -> None:
    """The real machine finds its user data below its root and logs to its console."""
    cloud = Cloud(
        directory=tmp_path,
        bin_folder=tmp_path / "bin",
        api_url="http://127.9.0.1:1",
        metadata_port=1338,
        cache=tmp_path,
    )
    machine = machines.boot(replace(INSTANCE, user_data=b""), "127.9.0.2", cloud)
    try:
        assert (machine.root / "var/lib/cloud/instance/user-data.txt").read_bytes() == b""
        assert cloud.console("i-1").exists()
    finally:
        machine.kill("end of the test")
        machine.dispose()
    assert not machine.root.exists()


def test_a_trouble_ends_with_its_time_or_by_being_mended(compute: Compute, recorder: Recorder) -> None:
    """Whoever asked for it may be gone by then."""
    compute.reconcile(0.0)
    compute.trouble("i-1", Trouble.METADATA_OUTAGE, until=10.0)
    compute.reconcile(9.0)
    assert recorder.told[-1] == ("outage", "i-1", "True")
    compute.reconcile(10.0)
    assert recorder.told[-1] == ("outage", "i-1", "False")
    compute.trouble("i-1", Trouble.METADATA_OUTAGE, until=99.0)
    compute.mend("i-1", Trouble.METADATA_OUTAGE)
    compute.reconcile(11.0)
    assert recorder.told[-1] == ("outage", "i-1", "False")


def test_nothing_breaks_where_nothing_runs(compute: Compute) -> None:
    """A misspelled id is said, not swallowed."""
    with pytest.raises(LlmctlError):
        compute.trouble("i-9", Trouble.FULL_DISK, until=9.0)
    with pytest.raises(LlmctlError):
        compute.mend("i-9", Trouble.FULL_DISK)


def test_a_stopped_machine_is_booted_again_with_its_disk(compute: Compute, recorder: Recorder) -> None:
    """On its address; what it wrote is still there. It goes only when the instance does."""
    compute.reconcile(0.0)
    address = compute.machines["i-1"].address
    written = compute.machines["i-1"].root / "weights"
    written.touch()
    recorder.instances = [replace(INSTANCE, state="stopping")]
    compute.reconcile(1.0)
    compute.machines["i-1"].process.wait(10)
    compute.reconcile(2.0)
    assert recorder.told[-1] == ("stopped", "i-1")
    assert compute.machines["i-1"].phase == "stopped"
    recorder.instances = [INSTANCE]
    compute.reconcile(3.0)
    assert recorder.told[-1] == ("running", "i-1")
    assert (compute.machines["i-1"].address, written.exists()) == (address, True)
    assert compute.machines["i-1"].phase != "stopped"
