"""What can break in a deployed model, and how: processes, instances, an engine's page.

All of it is done to the processes of an embedded cloud, by their ids, as the kernel or a fault would.
"""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.embedded import processes
from infra.embedded.client import Cloud
from infra.environment import names
from infra.environment.slots import Market, Slot

_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
_AGENT = "/opt/llmctl/agent"
_ENGINE_PORT = 8000


@dataclass(frozen=True)
class Instance:
    """An instance of the cloud."""

    id: str
    root: Path
    address: str

    def engine(self) -> int:
        """Process id of the engine."""
        return int(json.loads((self.root / "run/docker/engine.json").read_text())["pid"])

    def agent(self) -> int:
        """Process id of the agent."""
        (found,) = (pid for pid in self.processes() if _is_agent(pid))
        return found

    def processes(self) -> list[int]:
        """All of them."""
        return processes.marked(processes.INSTANCE_MARK, str(self.root))

    def answers(self) -> bool:
        """Whether the engine is healthy."""
        try:
            with _OPEN(f"http://{self.address}:{_ENGINE_PORT}/health", timeout=2):
                return True
        except OSError:
            return False


@dataclass(frozen=True)
class Site:
    """A running cloud with a deployed environment in it."""

    cloud: Cloud
    environment: str
    key: str

    def instances(self, model: str) -> list[Instance]:
        """Those of a model's live slot that have a machine."""
        group = names.group(self.environment, model, Slot.BLUE, Market.SPOT)
        folder = self.cloud.directory / "instances"
        return [
            Instance(each["id"], folder / each["id"], each["address"])
            for each in self.cloud.status()["instances"]
            if each["group"] == group
        ]

    def behave(self, instance: Instance, **how: object) -> None:
        """Change how a simulated engine behaves."""
        request = urllib.request.Request(
            f"http://{instance.address}:{_ENGINE_PORT}/simulator",
            data=json.dumps(how).encode(),
            headers={"Authorization": f"Bearer {self.key}"},
        )
        with _OPEN(request, timeout=10):
            pass


@dataclass
class Failure:
    """One model's. Times in epoch seconds; 0 until it is so."""

    site: Site
    model: str
    replicas: int
    alarms: Sequence[str]
    """Kinds of all that it shall raise."""
    began: float = 0.0
    ended: float = 0.0
    """When it was mended; one that mends itself ends at its beginning."""
    well: float = 0.0
    """When all replicas were found to answer again."""

    def begin(self) -> None:
        """Break it."""
        self.began = time.time()
        self.break_()

    def look(self, *, seen: bool) -> None:
        """Once a second; `seen`: all its alarms have fired."""
        if not self.ended and not seen:
            self.hold()
        elif not self.ended:
            self.mend()
            self.ended = time.time()
        if self.ended and not self.well and self.is_well():
            self.well = time.time()

    def is_well(self) -> bool:
        """Whether all replicas are there and answer."""
        found = self.site.instances(self.model)
        return len(found) == self.replicas and all(each.answers() for each in found)

    def victim(self) -> Instance:
        """The instance that is hurt."""
        return self.site.instances(self.model)[0]

    def break_(self) -> None:
        """Make it so."""
        raise NotImplementedError

    def hold(self) -> None:
        """Keep it so."""

    def mend(self) -> None:
        """Let it be well again."""


class EngineKilled(Failure):
    """The engine gets SIGKILL; its agent starts it again."""

    def break_(self) -> None:
        """Kill it."""
        os.kill(self.victim().engine(), signal.SIGKILL)
        self.ended = self.began


class AgentKilled(Failure):
    """The agent gets SIGKILL and takes its engine along; its unit starts it again."""

    def break_(self) -> None:
        """Kill it."""
        os.kill(self.victim().agent(), signal.SIGKILL)
        self.ended = self.began


class AgentHangs(Failure):
    """The agent stands still, while its engine serves on."""

    pid: int = 0

    def break_(self) -> None:
        """Stop it."""
        self.pid = self.victim().agent()
        os.kill(self.pid, signal.SIGSTOP)

    def mend(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)


class PageBroken(Failure):
    """The engine serves, but its metrics page fails."""

    hurt: Instance

    def break_(self) -> None:
        """Break the page."""
        self.hurt = self.victim()
        self.site.behave(self.hurt, metrics=False)

    def mend(self) -> None:
        """Repair it."""
        self.site.behave(self.hurt, metrics=True)


@dataclass
class InstancesLost(Failure):
    """Machines crash, and what replaces them hangs in its boot."""

    lost: int = 1
    survivors: set[str] = field(default_factory=set)

    def break_(self) -> None:
        """Kill them."""
        there = self.site.instances(self.model)
        self.survivors = {each.id for each in there[self.lost :]}
        for each in there[: self.lost]:
            self.site.cloud.kill_instance(each.id)

    def hold(self) -> None:
        """Stop what boots."""
        for pid in self._newcomers():
            processes.send(pid, signal.SIGSTOP)

    def mend(self) -> None:
        """Let it boot."""
        for pid in self._newcomers():
            processes.send(pid, signal.SIGCONT)

    def _newcomers(self) -> Iterator[int]:
        for each in self.site.instances(self.model):
            if each.id not in self.survivors:
                yield from each.processes()


def _is_agent(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return False
    return any(word.endswith(_AGENT) for word in words)
