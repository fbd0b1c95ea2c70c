"""Whether a listener can be opened, found out before Envoy is told, and why not, in words that help.

Envoy refuses a listener that it can't bind with a line in its log that nobody reads.
"""

import errno
import socket
from pathlib import Path

_FIRST_UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def obstacle(address: str, port: int) -> str | None:
    """Why this process can't listen there, with the remedy; None if it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return _explain(error, port)
    return None


def _explain(error: OSError, port: int) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        first = _first_unprivileged_port()
        return (
            f"ports below {first} are privileged; choose a listener port from {first} on, or allow it: "
            f"sudo sysctl net.ipv4.ip_unprivileged_port_start={port}"
        )
    if error.errno == errno.EADDRINUSE:
        return (
            "another program listens there; stop it or choose another listener port "
            f"(who it is: ss -ltnp 'sport = :{port}')"
        )
    return f"{error.strerror}"


def _first_unprivileged_port() -> int:
    try:
        return int(_FIRST_UNPRIVILEGED.read_text())
    except OSError:
        return 1024
