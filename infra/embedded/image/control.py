"""How `systemctl` talks to the instance's init: one JSON line each way on a Unix socket below the root."""

import asyncio
import json
from pathlib import Path
from typing import Any

from infra.embedded.image.supervisor import State, Supervisor, load
from infra.embedded.image.units import UnitError

SOCKET = "run/systemd/init.sock"
"""Relative to the instance's root."""

_FAILED = 1
_NOT_ACTIVE = 3
WANTS = "etc/systemd/system/multi-user.target.wants"
"""Links to what starts at each boot, below the root."""


async def serve(
    root: Path, supervisor: Supervisor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer one request: {"verb", "units", "now"} with {"code", "out", "err"}."""
    request: dict[str, Any] = json.loads(await reader.readline())
    try:
        out, code = await _carry_out(root, supervisor, **request)
        reply = {"code": code, "out": out, "err": ""}
    except (UnitError, OSError) as error:
        reply = {"code": _FAILED, "out": "", "err": f"Failed to {request['verb']}: {error}"}
    writer.write(json.dumps(reply).encode() + b"\n")
    await writer.drain()
    writer.close()


async def _carry_out(
    root: Path, supervisor: Supervisor, *, verb: str, units: list[str], now: bool
) -> tuple[str, int]:
    services = [supervisor.service(unit) for unit in units]
    if verb == "is-active":
        active = any(service.state is State.ACTIVE for service in services)
        return "\n".join(service.state for service in services), 0 if active else _NOT_ACTIVE
    if verb in {"stop", "restart"}:
        await asyncio.gather(*(service.stop() for service in services))
    out = [_enable(root, service.name) for service in services] if verb == "enable" else []
    if verb in {"start", "restart"} or now:
        for service in services:
            service.start()
    return "\n".join(out), 0


def _enable(root: Path, name: str) -> str:
    load(root, name)  # an unknown or unusable unit can't be enabled
    link = root / WANTS / name
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        return ""
    link.symlink_to(root / "etc/systemd/system" / name)
    return f"Created symlink /{WANTS}/{name} -> /etc/systemd/system/{name}."
