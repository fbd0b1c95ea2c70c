"""Asking the engine how it is: its health path, and how many requests it works on."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from infra.agent.config import Launch
from infra.agent.telemetry.exposition import total

_TIMEOUT = 2.0
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True)
class HttpProbe:
    """Implements `ports.Probe`. `address` is where the engine listens."""

    launch: Launch
    address: str
    look: Callable[[], str | None]
    """Fetches the engine's metrics, so that what is seen here is published, too."""

    def healthy(self) -> bool:
        """Whether the health path answers 200."""
        return get(f"http://{self.address}:{self.launch.port}{self.launch.health_path}") is not None

    def in_flight(self) -> int | None:
        """Sum of the in-flight gauges."""
        if not self.launch.in_flight_metrics:
            return None
        text = self.look()
        return None if text is None else total(text, self.launch.in_flight_metrics)


@dataclass(frozen=True)
class MetricsPage:
    """The engine's exposition."""

    launch: Launch
    address: str
    api_key: Callable[[], str | None]

    def fetch(self) -> str | None:
        """Its text; None when it can't be had."""
        key = self.api_key()
        port = self.launch.metrics_port or self.launch.engine_port or self.launch.port
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return get(f"http://{self.address}:{port}{self.launch.metrics_path}", headers)


def get(url: str, headers: dict[str, str] | None = None) -> str | None:
    """Body of a page that answers 200 in time; None otherwise."""
    request = urllib.request.Request(url, headers=headers or {})  # noqa: S310 - our own engine
    try:
        with _OPEN(request, timeout=_TIMEOUT) as response:
            body: bytes = response.read()
            return body.decode(errors="replace") if response.status == 200 else None
    except (OSError, http.client.HTTPException, urllib.error.URLError):
        return None
