"""The compute side of the cloud: carries out what `decisions` decides.

One machine for each instance that EC2 has pending or running. What becomes of a machine is told to EC2, which
lets its autoscaling group replace it.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from infra.embedded.addresses import Addresses
from infra.embedded.aws.views import Instance
from infra.embedded.compute import machine as machines
from infra.embedded.compute.decisions import (
    MACHINE_FAILED,
    Action,
    Boot,
    Bury,
    Kill,
    Park,
    ShutDown,
    decide,
)
from infra.embedded.compute.harm import Harm
from infra.embedded.compute.machine import Cloud, Machine
from infra.embedded.troubles import Trouble
from infra.errors import LlmctlError, Refused

_log = logging.getLogger(__name__)

_BOOT_RETRY_SECONDS = 5.0
_SHUTDOWN_SECONDS = 60.0
"""EC2 gives an operating system some minutes; a computer full of instances is less patient."""


class Metadata(Protocol):
    """The metadata service, as far as compute uses it."""

    def open(self, instance_id: str, address: str) -> None:
        """Answer an instance on its address."""

    def close(self, address: str) -> None:
        """Stop answering there."""

    def set_interruption(self, instance_id: str, action: str, at: float) -> None:
        """Give a spot notice."""

    def set_rebalance(self, instance_id: str, at: float) -> None:
        """Give a rebalance recommendation."""

    def set_outage(self, instance_id: str, *, out: bool) -> None:
        """Answer nothing but 503, or what is true again."""


@dataclass(frozen=True)
class Ec2:
    """EC2, as far as compute uses it: what instances there are, what became of them, and what will."""

    instances: Callable[[], Iterable[Instance]]
    mark_running: Callable[[str], None]
    mark_terminated: Callable[[str, str], None]
    mark_stopped: Callable[[str], None]
    announce_interruption: Callable[[str], None]
    announce_rebalance: Callable[[str], None]


@dataclass
class Compute:
    """The machines. `reconcile` and `stop` are for the main thread; the rest is for any."""

    cloud: Cloud
    addresses: Addresses
    ec2: Ec2
    metadata: Metadata
    snapshot: tuple[Instance, ...] = ()
    """The instances as of the last reconcile: what the metadata service reads without EC2's lock."""
    _machines: dict[str, Machine] = field(default_factory=dict)
    _boot_after: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._harm = Harm(self.metadata)

    def reconcile(self, now: float) -> None:
        """Make machines match EC2; `now` in epoch seconds."""
        self.snapshot = tuple(self.ec2.instances())
        states = {instance.id: instance.state for instance in self.snapshot}
        with self._lock:
            observed = {key: machine.observe() for key, machine in self._machines.items()}
        for action in decide(states, observed, now):
            self._carry_out(action, now)
        self._harm.reconcile(self.machines, now)

    @property
    def machines(self) -> MappingProxyType[str, Machine]:
        """The machines by instance id."""
        with self._lock:
            return MappingProxyType(dict(self._machines))

    def kill(self, instance_id: str) -> None:
        """Crash the instance's machine. Raises LlmctlError when it has none."""
        self._machine(instance_id).kill(MACHINE_FAILED)

    def interrupt(self, instance_id: str, at: float) -> None:
        """Give the two-minute (or other) notice; the machine is killed `at` epoch seconds.

        Raises LlmctlError when it has no machine, Refused when it is not a spot instance.
        """
        machine = self._spot_machine(instance_id)
        self.metadata.set_interruption(instance_id, "terminate", at)
        machine.interrupted_at = at
        self.ec2.announce_interruption(instance_id)

    def recommend_rebalance(self, instance_id: str, at: float) -> None:
        """Tell the instance, as of `at` epoch seconds, that it is more likely to be taken soon.

        Raises as `interrupt` does.
        """
        self._spot_machine(instance_id)
        self.metadata.set_rebalance(instance_id, at)
        self.ec2.announce_rebalance(instance_id)

    def trouble(self, instance_id: str, trouble: Trouble, until: float, by: float = 0.0) -> None:
        """Let something go wrong on an instance until so many epoch seconds.

        `by`: the seconds of a clock's skew. Raises LlmctlError when it has no machine.
        """
        self._harm.begin(instance_id, self._machine(instance_id), trouble, until, by)

    def mend(self, instance_id: str, trouble: Trouble) -> None:
        """Put it right before its time. Raises LlmctlError when the instance has no machine."""
        self._machine(instance_id)
        self._harm.end(instance_id, trouble)

    def begin_stop(self, kill_at: float) -> None:
        """Ask all machines to end: the cloud does."""
        for machine in self.machines.values():
            machine.shut_down(kill_at)

    def finish_stop(self) -> None:
        """Kill what is left of all machines."""
        for instance_id in self.machines:
            self._bury(instance_id)

    def _machine(self, instance_id: str) -> Machine:
        machine = self.machines.get(instance_id)
        if machine is None:
            raise LlmctlError(f"no machine runs for {instance_id}", hint="llmctl local status shows which do")
        return machine

    def _spot_machine(self, instance_id: str) -> Machine:
        machine = self._machine(instance_id)
        if machine.instance.market != "spot":
            raise Refused(f"{instance_id} is on demand: the spot market has no say about it")
        return machine

    def _carry_out(self, action: Action, now: float) -> None:
        match action:
            case Boot(instance_id) if now >= self._boot_after:
                self._boot(next(item for item in self.snapshot if item.id == instance_id), now)
            case ShutDown(instance_id):
                _log.info("%s: shutting down", instance_id)
                self._machine(instance_id).shut_down(now + _SHUTDOWN_SECONDS)
            case Kill(instance_id, cause):
                _log.info("%s: killed: %s", instance_id, cause)
                self._machine(instance_id).kill(cause)
            case Park(instance_id):
                _log.info("%s: stopped", instance_id)
                self._machine(instance_id).park()
                self.ec2.mark_stopped(instance_id)
            case Bury(instance_id, cause):
                self._bury(instance_id)
                if cause is not None:
                    _log.warning("%s: lost: %s", instance_id, cause)
                    self.ec2.mark_terminated(instance_id, cause)

    def _boot(self, instance: Instance, now: float) -> None:
        address = self.addresses.allocate(instance.id)
        try:
            if instance.id not in self.machines:  # else it was stopped, and kept its address
                self.metadata.open(instance.id, address)
            machine = machines.boot(instance, address, self.cloud)
        except OSError:
            self.metadata.close(address)
            self.addresses.free(instance.id)
            # It stays pending: were it terminated, its group would launch another at once, again and again.
            self._boot_after = now + _BOOT_RETRY_SECONDS
            raise
        with self._lock:
            self._machines[instance.id] = machine
        _log.info("%s: process %s on %s", instance.id, machine.process.pid, address)
        self.ec2.mark_running(instance.id)

    def _bury(self, instance_id: str) -> None:
        with self._lock:
            machine = self._machines.pop(instance_id)
        self.metadata.close(machine.address)
        machine.dispose()
        self.addresses.free(instance_id)
