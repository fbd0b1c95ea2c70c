"""How fast the emulated cloud's monitoring lives: its minutes can be shorter than ours.

AWS needs minutes to scale out and a quarter of an hour to scale in. A rehearsal need not: with a speed of 10
a period of 60 s lasts 6 s. Alarms, scaling policies and cooldowns count in emulated time, which `emulated`
gives; instances, requests, log lines and what clients read keep real time. Speed 1 is AWS.
"""

import time
from dataclasses import dataclass, field


@dataclass
class Pace:
    """Maps real to emulated epoch seconds; both agree at `origin`."""

    speed: float = 1.0
    origin: float = field(default_factory=time.time)

    def emulated(self, real: float) -> float:
        """Emulated time at a real time."""
        return self.origin + (real - self.origin) * self.speed

    def real(self, emulated: float) -> float:
        """Inverse of `emulated`."""
        return self.origin + (emulated - self.origin) / self.speed


PACE = Pace()
"""The daemon's; set once, at its start."""
