"""Troubles on a machine of small, real processes: each does what its name says, and is put right again."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.embedded import processes
from infra.embedded.compute.harm import SERVICE_MARK, Harm
from infra.embedded.image.clock import OFFSET, skewed
from infra.embedded.image.containers import Container, Containers
from infra.embedded.troubles import Trouble

WRITER = """
import sys, time
while True:
    try:
        with open(sys.argv[1], "a") as file:
            file.write("x")
    except OSError:
        open(sys.argv[1] + ".full", "a").close()
    time.sleep(0.01)
"""


@dataclass(frozen=True)
class Machine:
    """Its first process is the test's own."""

    root: Path
    init: int


class Metadata:
    """Never asked here."""

    def set_outage(self, instance_id: str, *, out: bool) -> None:
        """Not expected."""
        raise AssertionError


def until(condition: Callable[[], object]) -> None:
    """Poll for up to ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state(process: "subprocess.Popen[bytes]") -> str:
    """R, S, T (stopped)..., as the kernel says."""
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A root folder."""
    return Machine(tmp_path, os.getpid())


@pytest.fixture
def service(machine: Machine) -> Iterator["subprocess.Popen[bytes]"]:
    """A service that writes to a file all the time."""
    marks = {processes.INSTANCE_MARK: str(machine.root), SERVICE_MARK: "1"}
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", WRITER, str(machine.root / "log")], env=marks
    )
    until(lambda: (machine.root / "log").exists())
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def harm() -> Harm:
    """No troubles yet."""
    return Harm(Metadata())


def test_an_engine_that_hangs_is_stopped_and_goes_on(
    machine: Machine, service: "subprocess.Popen[bytes]", harm: Harm
) -> None:
    """Its connections stay open, its process stays: only answers don't come."""
    started = processes.start_time(service.pid)
    assert started is not None
    engine = Container(
        name="engine", image="x", pid=service.pid, started=started, remove=True, stop_seconds=1
    )
    Containers(machine.root).add(engine)
    harm.begin("i-1", machine, Trouble.ENGINE_HANG, until=10.0, by=0.0)
    until(lambda: state(service) == "T")
    harm.reconcile({"i-1": machine}, 9.0)
    assert state(service) == "T"
    harm.reconcile({"i-1": machine}, 10.0)
    until(lambda: state(service) != "T")


def test_an_agent_hangs_or_dies(machine: Machine, service: "subprocess.Popen[bytes]", harm: Harm) -> None:
    """Only what runs as a service is meant, and a death has no end."""
    harm.begin("i-1", machine, Trouble.AGENT_HANG, until=10.0, by=0.0)
    until(lambda: state(service) == "T")
    harm.end("i-1", Trouble.AGENT_HANG)
    harm.reconcile({"i-1": machine}, 0.0)
    until(lambda: state(service) != "T")
    harm.begin("i-1", machine, Trouble.AGENT_DEATH, until=10.0, by=0.0)
    assert service.wait(10) == -9


def test_a_full_disk_takes_no_more_and_then_does(
    machine: Machine, service: "subprocess.Popen[bytes]", harm: Harm
) -> None:
    """Writing fails while it lasts; afterwards files grow again."""
    harm.begin("i-1", machine, Trouble.FULL_DISK, until=10.0, by=0.0)
    harm.reconcile({"i-1": machine}, 1.0)
    until(lambda: size(machine) == size(machine, after=0.1))
    full = size(machine)
    harm.reconcile({"i-1": machine}, 10.0)
    until(lambda: size(machine) > full)


def size(machine: Machine, after: float = 0.0) -> int:
    """Of what the service writes."""
    time.sleep(after)  # a file that doesn't grow can only be seen over time
    return (machine.root / "log").stat().st_size


def test_a_clock_is_wrong_and_right_again(machine: Machine, harm: Harm) -> None:
    """Programs on the machine see it at once."""
    clock = skewed(lambda: 1000.0, str(machine.root))
    assert clock() == 1000.0
    harm.begin("i-1", machine, Trouble.CLOCK_SKEW, until=10.0, by=-90.5)
    assert clock() == 909.5
    harm.reconcile({"i-1": machine}, 10.0)
    assert clock() == 1000.0
    assert not (machine.root / OFFSET).exists()


def test_a_machine_that_is_gone_is_forgotten(machine: Machine, harm: Harm) -> None:
    """Nothing is put right on what took its place."""
    harm.begin("i-1", machine, Trouble.CLOCK_SKEW, until=10.0, by=5.0)
    harm.reconcile({}, 1.0)
    harm.reconcile({"i-1": machine}, 99.0)
    assert (machine.root / OFFSET).exists()
