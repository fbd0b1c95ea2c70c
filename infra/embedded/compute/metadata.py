"""The instance metadata service: one HTTP server, answering on every instance's own address.

The address that a request came to says which instance asks. Only version 2 (session tokens) is served. What
an instance may know is a flat mapping of paths to texts, computed at request time by a pure function
(`entries`); listings follow from it. Nothing here changes the cloud.
"""

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web

from infra.embedded.aws.views import Instance
from infra.embedded.compute.credentials import credentials, timestamp
from infra.embedded.loop import LoopThread

PORT = 1338
"""Not 80, which needs privileges; clients find it through AWS_EC2_METADATA_SERVICE_ENDPOINT."""

_TOKEN_PATH = "/latest/api/token"  # noqa: S105 - a path
_TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
_TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105 - a header's name
_MAX_TTL = 21_600

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What the spot market told an instance. Times in epoch seconds; None: nothing yet."""

    action: str = "terminate"
    action_time: float | None = None
    rebalance_time: float | None = None


@dataclass(frozen=True)
class Asker:
    """An instance with its address here."""

    instance: Instance
    address: str
    notice: Notice = field(default=Notice())


def entries(asker: Asker, now: float) -> dict[str, str]:
    """All that the instance may read, by path below /latest/. `now` in epoch seconds."""
    found = _identity(asker) | _spot(asker.notice)
    instance = asker.instance
    if instance.role_name:
        found[f"meta-data/iam/security-credentials/{instance.role_name}"] = json.dumps(
            credentials(instance.id, now), indent=2
        )
    if instance.metadata_tags:
        found |= {f"meta-data/tags/instance/{key}": value for key, value in instance.tags.items()}
    if instance.target_lifecycle_state:
        found["meta-data/autoscaling/target-lifecycle-state"] = instance.target_lifecycle_state
    if instance.user_data:
        found["user-data"] = instance.user_data.decode(errors="replace")
    return found


def answer(found: dict[str, str], path: str) -> str | None:
    """The text at a path, else the listing of what is below it, else None."""
    if path in found:
        return found[path]
    prefix = f"{path.rstrip('/')}/"
    below = {key[len(prefix) :] for key in found if key.startswith(prefix)}
    if not below:
        return None
    # Tag keys are leaves even when they hold a slash; everything else lists one level.
    if prefix == "meta-data/tags/instance/":
        return "\n".join(sorted(below))
    return "\n".join(sorted({f"{head}{slash}" for head, slash, _ in (key.partition("/") for key in below)}))


def _identity(asker: Asker) -> dict[str, str]:
    instance = asker.instance
    document = {
        "accountId": instance.account,
        "architecture": "x86_64",
        "availabilityZone": instance.zone,
        "imageId": instance.image_id,
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "pendingTime": timestamp(instance.launched),
        "privateIp": asker.address,
        "region": instance.region,
        "version": "2017-09-30",
    }
    return {
        "meta-data/ami-id": instance.image_id,
        "meta-data/instance-id": instance.id,
        "meta-data/instance-type": instance.instance_type,
        "meta-data/instance-life-cycle": instance.market,
        "meta-data/local-ipv4": asker.address,
        "meta-data/placement/availability-zone": instance.zone,
        "meta-data/placement/region": instance.region,
        "dynamic/instance-identity/document": json.dumps(document, indent=2),
    }


def _spot(notice: Notice) -> dict[str, str]:
    found = {}
    if notice.action_time is not None:
        action = {"action": notice.action, "time": timestamp(notice.action_time)}
        found["meta-data/spot/instance-action"] = json.dumps(action)
        found["meta-data/spot/termination-time"] = timestamp(notice.action_time)
    if notice.rebalance_time is not None:
        rebalance = {"noticeTime": timestamp(notice.rebalance_time)}
        found["meta-data/events/recommendations/rebalance"] = json.dumps(rebalance)
    return found


class MetadataService:
    """Serves `entries` to the instances whose addresses were opened."""

    def __init__(
        self,
        loop: LoopThread,
        instances: Callable[[], Iterable[Instance]],
        *,
        clock: Callable[[], float] = time.time,
        port: int = PORT,
    ) -> None:
        self.port = port
        self._loop = loop
        self._instances = instances
        self._clock = clock
        self._ids: dict[str, str] = {}
        self._notices: dict[str, Notice] = {}
        self._tokens: dict[tuple[str, str], float] = {}
        self._out: set[str] = set()
        self._sites: dict[str, web.TCPSite] = {}
        self._runner = web.AppRunner(self._app(), access_log=None)
        loop.call(self._runner.setup())

    def open(self, instance_id: str, address: str) -> None:
        """Start to answer an instance on its address. Raises OSError when the port is taken."""
        site = web.TCPSite(self._runner, address, self.port)
        self._loop.call(site.start())
        self._sites[address] = site
        self._ids[address] = instance_id

    def close(self, address: str) -> None:
        """Stop to answer on an address and forget the instance's tokens and notice."""
        if (site := self._sites.pop(address, None)) is None:
            return
        instance_id = self._ids.pop(address)
        self._notices.pop(instance_id, None)
        self._out.discard(instance_id)
        self._loop.call(site.stop())
        self._tokens = {key: expiry for key, expiry in self._tokens.items() if key[0] != address}

    def stop(self) -> None:
        """Stop to answer at all."""
        self._loop.call(self._runner.cleanup())

    def set_interruption(self, instance_id: str, action: str, at: float) -> None:
        """Give a spot notice: the action (terminate, stop, hibernate) will happen `at` epoch seconds."""
        self._notices[instance_id] = Notice(
            action=action, action_time=at, rebalance_time=self._notice(instance_id).rebalance_time
        )

    def set_rebalance(self, instance_id: str, at: float) -> None:
        """Give a rebalance recommendation, as of `at` epoch seconds."""
        notice = self._notice(instance_id)
        self._notices[instance_id] = Notice(
            action=notice.action, action_time=notice.action_time, rebalance_time=at
        )

    def set_outage(self, instance_id: str, *, out: bool) -> None:
        """Answer an instance nothing but 503, or what is true again."""
        (self._out.add if out else self._out.discard)(instance_id)

    def _notice(self, instance_id: str) -> Notice:
        return self._notices.get(instance_id, Notice())

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._fail])
        app.router.add_put(_TOKEN_PATH, self._give_token)
        app.router.add_get("/latest/{path:.*}", self._read)
        return app

    @web.middleware
    async def _fail(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._ids.get(_local_address(request)) in self._out:
            return web.Response(status=503)
        return await handler(request)

    async def _give_token(self, request: web.Request) -> web.Response:
        ttl = request.headers.get(_TTL_HEADER, "")
        if not ttl.isdecimal() or not 1 <= int(ttl) <= _MAX_TTL:
            return web.Response(status=400)
        token = secrets.token_urlsafe(40)
        self._tokens[_local_address(request), token] = self._clock() + int(ttl)
        return web.Response(text=token, headers={_TTL_HEADER: ttl})

    async def _read(self, request: web.Request) -> web.Response:
        address = _local_address(request)
        expiry = self._tokens.get((address, request.headers.get(_TOKEN_HEADER, "")), 0.0)
        if self._clock() >= expiry:
            return web.Response(status=401)
        asker = self._asker(address)
        text = answer(entries(asker, self._clock()), request.match_info["path"]) if asker else None
        return web.Response(status=404) if text is None else web.Response(text=text)

    def _asker(self, address: str) -> Asker | None:
        instance_id = self._ids.get(address)
        for instance in self._instances():
            if instance.id == instance_id:
                return Asker(instance, address, self._notice(instance.id))
        return None


def _local_address(request: web.Request) -> str:
    assert request.transport is not None
    address: str = request.transport.get_extra_info("sockname")[0]
    return address
