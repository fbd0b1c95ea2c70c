"""What a container would give a server, told by environment variables instead.

`INSTANCE_ADDRESS` is the instance's own address: a server that means to listen everywhere listens there,
since many instances share this machine. `CONTAINER_VOLUMES` says where the container's folders really are.
"""

import os
from pathlib import Path

_EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - never bound: replaced below
_LOOPBACK = "127.0.0.1"


def listen_address(host: str) -> str:
    """Where to listen when asked to listen on `host`."""
    return os.environ.get("INSTANCE_ADDRESS", _LOOPBACK) if host in _EVERYWHERE else host


def host_path(path: str) -> Path:
    """The path on this machine of a path in the container."""
    volumes = os.environ.get("CONTAINER_VOLUMES", "").split(",")
    mounts = [volume.rpartition(":") for volume in volumes if volume]
    for host, _, inside in sorted(mounts, key=lambda mount: -len(mount[2])):
        if Path(path).is_relative_to(inside):
            return Path(host) / Path(path).relative_to(inside)
    return Path(path)
