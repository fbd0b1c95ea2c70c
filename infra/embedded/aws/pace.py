"""How fast the emulated cloud's monitoring lives: its minutes can be shorter than ours.

AWS needs minutes to scale out and a quarter of an hour to scale in. A rehearsal need not: with a speed of 10
a period of 60 s lasts 6 s. Alarms, scaling policies and cooldowns count in emulated time, which `emulated`
gives; instances, requests, log lines and what clients read keep real time. Speed 1 is AWS.
"""

import time
from dataclasses import dataclass, field

_MINUTE = 60
_FASTEST = 60
"""An emulated minute is a real second then; datapoints are kept by the second."""


@dataclass
class Pace:
    """Maps real to emulated epoch seconds; both agree at `origin`."""

    speed: float = 1.0
    origin: float = field(default_factory=time.time)

    def set(self, speed: float, now: float) -> None:
        """Take a speed from the last whole minute on; raises ValueError if it is not from 1 to 60.

        From a whole minute: then emulated minutes begin on real seconds, which datapoints are kept by.
        """
        if not 1 <= speed <= _FASTEST:
            raise ValueError(f"the speed must be from 1 to {_FASTEST}, not {speed:g}")
        self.speed, self.origin = speed, now // _MINUTE * _MINUTE

    def emulated(self, real: float) -> float:
        """Emulated time at a real time."""
        return self.origin + (real - self.origin) * self.speed

    def real(self, emulated: float) -> float:
        """Inverse of `emulated`."""
        return self.origin + (emulated - self.origin) / self.speed


PACE = Pace()
"""The daemon's; set once, at its start."""


class Beat:
    """Strikes once in each emulated minute, but never twice within a second of real time."""

    def __init__(self) -> None:
        self._minute: float | None = None
        self._last = float("-inf")

    def strikes(self, now: float) -> bool:
        """Tell whether a minute began since the last strike; `now` is real (epoch seconds)."""
        minute = PACE.emulated(now) // 60
        if minute == self._minute or 0 <= now - self._last < 1:
            return False
        self._minute, self._last = minute, now
        return True
