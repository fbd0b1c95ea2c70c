"""The image's docker, run as user data runs it, with the simulator as the server."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.embedded import processes
from infra.embedded.addresses import Addresses
from infra.embedded.image import build
from infra.embedded.image.clock import OFFSET
from tests.functional.embedded_compute.conftest import until

pytestmark = pytest.mark.slow

RUN = "docker run --rm --name engine --network host --gpus all llmctl/simulator:1 --port 8000"


@dataclass
class Shell:
    """A shell on a machine that has nothing but the image."""

    root: Path
    address: str
    environment: dict[str, str]

    @contextmanager
    def background(self, command: str) -> Iterator["subprocess.Popen[str]"]:
        """A command as the child of a shell; both are killed at the end."""
        with subprocess.Popen(
            ["sh", "-c", f"{command} & wait $!"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as shell:
            try:
                yield shell
            finally:
                processes.kill_marked(processes.INSTANCE_MARK, str(self.root))

    def run(self, command: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        done = subprocess.run(
            ["sh", "-c", f"{command}; exit $?"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    def healthy(self) -> bool:
        """Whether the engine answers."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://{self.address}:8000/health", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell with the image's commands."""
    addresses = Addresses.claim("image-test")
    address = addresses.allocate("i-1")
    folder = build.build(tmp_path / "bin")
    environment = {
        "PATH": f"{folder}:/usr/bin:/bin",
        processes.INSTANCE_MARK: str(tmp_path),
        "INSTANCE_ADDRESS": address,
    }
    yield Shell(tmp_path, address, environment)
    addresses.release()


def test_an_engine_runs_and_stops(shell: Shell) -> None:
    """Run serves on the instance's address and says who stands in; its name is taken until stop."""
    with shell.background(RUN) as engine:
        until(shell.healthy, "the engine is healthy")
        assert shell.run("docker ps -q") == (0, "engine\n")
        code, output = shell.run(RUN)
        assert code == 125
        assert "is already in use" in output
        assert shell.run("docker rm engine")[0] == 1
        assert shell.run("docker stop -t 5 engine") == (0, "engine\n")
        engine.wait(10)
        assert engine.stdout is not None
        assert "llmctl/simulator:1 is not run; in its place: a simulator" in engine.stdout.read()
    assert shell.run("docker ps -q") == (0, "")
    assert shell.run("docker stop engine")[0] == 1


def test_a_wrong_clock_is_wrong_for_python(shell: Shell, tmp_path: Path) -> None:
    """An instance's programs take for the time what its clock says."""
    (tmp_path / OFFSET).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / OFFSET).write_text("-1e9")
    code, output = shell.run("python3 -c 'import time; print(time.time())'")
    assert code == 0
    assert float(output) < time.time() - 0.99e9


def test_programs_import_their_own_packages(shell: Shell, tmp_path: Path) -> None:
    """What the image does to Python brings none of its own modules along: an agent is called `infra`, too."""
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "__init__.py").write_text("mine = True")
    (tmp_path / "program.py").write_text("import infra; print(infra.mine)")
    assert shell.run(f"python3 {tmp_path}/program.py") == (0, "True\n")


@pytest.mark.parametrize("end", ["docker kill engine", "docker rm --force engine"])
def test_an_engine_is_killed(shell: Shell, end: str) -> None:
    """Kill and rm --force end it at once, and its name is free again."""
    with shell.background(RUN) as engine:
        until(shell.healthy, "the engine is healthy")
        assert shell.run(end) == (0, "engine\n")
        engine.wait(10)
        assert not shell.healthy()


def test_an_engine_dies_with_its_caller(shell: Shell) -> None:
    """When the process that ran docker is killed, the server is too."""
    with shell.background(RUN) as caller:
        until(shell.healthy, "the engine is healthy")
        caller.kill()
        until(lambda: not processes.marked(processes.INSTANCE_MARK, str(shell.root)), "all is gone", 10)


@pytest.mark.parametrize("command", ["docker pull busybox:1", "docker run --network host busybox:1"])
def test_images_without_a_server(shell: Shell, command: str) -> None:
    """An image that nobody stands in for fails as a missing one does."""
    code, output = shell.run(command)
    assert code == (1 if "pull" in command else 125)
    assert "pull access denied for busybox:1" in output


def test_python_is_this_python(shell: Shell) -> None:
    """`python3` on an instance is the interpreter with boto3, whatever the machine has."""
    assert shell.run("/usr/bin/env python3 -c 'import boto3; print(1)'") == (0, "1\n")


def test_systemctl_without_an_init(shell: Shell) -> None:
    """Systemctl says that there is no init instead of failing obscurely."""
    code, output = shell.run("systemctl start x")
    assert code == 1
    assert "Failed to connect to the instance's init" in output
