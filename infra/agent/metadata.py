"""The instance metadata service, version 2: who this instance is, and whether it must go.

Plain HTTP to a link-local address (`AWS_EC2_METADATA_SERVICE_ENDPOINT` names another one), with short time
limits: a metadata service that doesn't answer is treated as one without news.
"""

import http.client
import json
import logging
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime

from infra.agent.machine import Notice, NoticeKind

_LOG = logging.getLogger("agent")
_DEFAULT_ENDPOINT = "http://169.254.169.254"
_TOKEN_SECONDS = 21_600
_TIMEOUT = 2.0
# Straight to the service: a proxy from the environment would be asked for an address only we can reach.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class MetadataUnavailable(Exception):  # noqa: N818 - it comes and goes
    """The metadata service did not answer."""


class Metadata:
    """Reads paths below /latest."""

    def __init__(self, endpoint: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        configured = endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _DEFAULT_ENDPOINT
        self._endpoint = configured.rstrip("/")
        self._clock = clock
        self._token = ""
        self._token_until = 0.0
        self.served_at: float | None = None
        """The service's own time when it answered last, in epoch seconds; None if it doesn't say."""

    def read(self, path: str) -> str | None:
        """The text at a path, None if there is none; raises MetadataUnavailable."""
        try:
            return self._get(path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            self._token_until = 0.0  # 401: the token is no longer known
            raise MetadataUnavailable(f"{path}: HTTP {error.code}") from error
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            raise MetadataUnavailable(f"{path}: {error}") from error

    def _get(self, path: str) -> str:
        headers = {"X-aws-ec2-metadata-token": self._fresh_token()}
        return self._call(urllib.request.Request(f"{self._endpoint}/latest/{path}", headers=headers))  # noqa: S310

    def _fresh_token(self) -> str:
        if self._clock() >= self._token_until:
            request = urllib.request.Request(  # noqa: S310 - the endpoint is ours to choose
                f"{self._endpoint}/latest/api/token",
                method="PUT",
                headers={"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)},
            )
            self._token = self._call(request)
            self._token_until = self._clock() + _TOKEN_SECONDS / 2
        return self._token

    def _call(self, request: urllib.request.Request) -> str:
        with _OPEN(request, timeout=_TIMEOUT) as response:
            body: bytes = response.read()
            self.served_at = _dated(response.headers.get("Date", ""))
        return body.decode()


def _dated(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


@dataclass(frozen=True)
class Identity:
    """What an instance is told about itself."""

    instance_id: str
    instance_type: str
    zone: str
    slot: str
    market: str
    launched: float | None = None
    """In epoch seconds; None if the document doesn't say."""


def read_identity(metadata: Metadata) -> Identity:
    """Who we are; raises MetadataUnavailable. Slot and market are empty when the tags aren't readable."""
    text = metadata.read("dynamic/instance-identity/document")
    if text is None:
        raise MetadataUnavailable("there is no identity document")
    document: Mapping[str, str] = json.loads(text)
    return Identity(
        instance_id=document["instanceId"],
        instance_type=document["instanceType"],
        zone=document["availabilityZone"],
        slot=metadata.read("meta-data/tags/instance/llmctl:slot") or "",
        market=metadata.read("meta-data/tags/instance/llmctl:market") or "",
        launched=_epoch(document.get("pendingTime", "")),
    )


def _epoch(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


@dataclass
class InstanceNotices:
    """Implements `ports.Notices`; also notes a rebalance recommendation, which asks for nothing yet."""

    metadata: Metadata
    on_rebalance: Callable[[str], None]
    wall: Callable[[], float] = time.time
    stopped: bool = False
    """Set from outside when the service is stopped."""
    _rebalance_told: bool = field(default=False)
    _known: Notice | None = None
    _standby: bool = False

    @property
    def standby(self) -> bool:
        """Whether the instance is for a warm pool, as of the last look for a notice."""
        return self._standby

    def current(self, now: float) -> Notice | None:
        """The most urgent notice."""
        if self.stopped:
            return Notice(NoticeKind.STOPPED)
        try:
            self._look_for_rebalance()
            spot, terminated = self._spot(now), self._terminated()
            self._known = replace(spot, retired=True) if spot and terminated else spot or terminated
        except MetadataUnavailable as error:
            _LOG.warning("metadata service", extra={"fields": {"error": str(error)}})
        return self._known  # silence takes no notice back

    def _spot(self, now: float) -> Notice | None:
        text = self.metadata.read("meta-data/spot/instance-action")
        if text is None:
            return None
        try:
            at = datetime.fromisoformat(json.loads(text)["time"]).timestamp()
        except (ValueError, KeyError, TypeError):
            return Notice(NoticeKind.SPOT, now + 120.0)  # what a notice leaves at least
        # By the clock of who gave the notice: this instance's may be wrong.
        wall = self.metadata.served_at
        return Notice(NoticeKind.SPOT, now + at - (self.wall() if wall is None else wall))

    def _terminated(self) -> Notice | None:
        target = (self.metadata.read("meta-data/autoscaling/target-lifecycle-state") or "").strip()
        self._standby = target.startswith("Warmed:")
        return Notice(NoticeKind.TERMINATED) if target == "Terminated" else None

    def _look_for_rebalance(self) -> None:
        if self._rebalance_told:
            return
        text = self.metadata.read("meta-data/events/recommendations/rebalance")
        if text is not None:
            self._rebalance_told = True
            self.on_rebalance(text)
