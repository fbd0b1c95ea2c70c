"""What AWS would bill for instances: the hours that each pool's instances ran.

AWS bills an instance from the moment it runs until it begins to shut down or stop; pending is free
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html). It bills by the second, and
so does the meter, to within the daemon's round.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from infra.embedded.aws.views import Instance

_SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True, order=True)
class Pool:
    """Instances of one price, as one autoscaling group started them."""

    group: str
    """Empty for those that no group started."""
    instance_type: str
    market: str
    """spot or on-demand."""
    zone: str


class Meter:
    """Adds up running time, from one look to the next. Read by another thread than the one that looks."""

    def __init__(self, instances: Callable[[], Iterable[Instance]]) -> None:
        self._instances = instances
        self._ran: defaultdict[Pool, float] = defaultdict(float)
        self._running: dict[str, Pool] = {}
        self._looked = 0.0
        self._lock = threading.Lock()

    def look(self, now: float) -> None:
        """Bill those that ran since the last look, and note who runs at `now`, in epoch seconds."""
        running = {each.id: _pool(each) for each in self._instances() if each.state == "running"}
        with self._lock:
            for pool in self._running.values():
                self._ran[pool] += max(now - self._looked, 0.0)
            self._running, self._looked = running, now

    def hours(self) -> dict[Pool, float]:
        """Instance hours until the last look."""
        with self._lock:
            return {pool: seconds / _SECONDS_AN_HOUR for pool, seconds in sorted(self._ran.items())}


def _pool(instance: Instance) -> Pool:
    return Pool(instance.autoscaling_group or "", instance.instance_type, instance.market, instance.zone)
