"""Asking the engine how it is: its health path, and how many requests it works on."""

import http.client
import math
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from dataclasses import dataclass

from infra.agent.config import Launch

_TIMEOUT = 2.0
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True)
class HttpProbe:
    """Implements `ports.Probe`. `address` is where the engine listens."""

    launch: Launch
    address: str
    api_key: Callable[[], str | None]

    def healthy(self) -> bool:
        """Whether the health path answers 200."""
        return self._get(self.launch.health_path, {}) is not None

    def in_flight(self) -> int | None:
        """Sum of the in-flight gauges."""
        if not self.launch.in_flight_metrics:
            return None
        key = self.api_key()
        text = self._get(self.launch.metrics_path, {"Authorization": f"Bearer {key}"} if key else {})
        return None if text is None else total(text, self.launch.in_flight_metrics)

    def _get(self, path: str, headers: dict[str, str]) -> str | None:
        request = urllib.request.Request(f"http://{self.address}:{self.launch.port}{path}", headers=headers)
        try:
            with _OPEN(request, timeout=_TIMEOUT) as response:
                body: bytes = response.read()
                return body.decode(errors="replace") if response.status == 200 else None
        except (OSError, http.client.HTTPException, urllib.error.URLError):
            return None


def total(metrics: str, names: Collection[str]) -> int | None:
    """Sum over all samples of the named gauges in Prometheus' text format; None if there is no sample."""
    values = [value for name, value in _samples(metrics) if name in names and math.isfinite(value)]
    return math.ceil(sum(values)) if values else None


def _samples(metrics: str) -> list[tuple[str, float]]:
    found = []
    for line in metrics.splitlines():
        if not line or line[0] == "#":
            continue
        labelled, _, rest = line.rpartition("}")
        name = labelled.partition("{")[0] if labelled else line.split()[0]
        words = rest.split() if labelled else line.split()[1:]
        try:
            found.append((name.strip(), float(words[0])))
        except (IndexError, ValueError):
            continue
    return found
