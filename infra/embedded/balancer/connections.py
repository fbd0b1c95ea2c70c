"""Ends connections of a child process from outside, because Envoy has no way to.

Envoy lets each request to a host that leaves come to its end, however long that takes; it closes only what
passes as plain TCP. So a duplicate of its socket is shut down: Envoy sees its target hang up, as it would
after a crash, and breaks off the answer. Sockets of other processes than the given one are never touched.
"""

import ctypes
import errno
import os
import socket
from collections.abc import Collection
from pathlib import Path

_PIDFD_GETFD = 438
"""Number of the system call, the same on every architecture that Python's wheels exist for."""

Peer = tuple[str, int]
"""IPv4 address and port of the far end."""


def sever(pid: int, peers: Collection[Peer]) -> int:
    """Shut down all connections that a process has to the peers; returns how many there were.

    Raises OSError where the kernel doesn't let this process trace the other, or is older than Linux 5.6.
    """
    process = os.pidfd_open(pid)
    try:
        return sum(_sever(process, descriptor, peers) for descriptor in _sockets(pid))
    finally:
        os.close(process)


def _sockets(pid: int) -> list[int]:
    return [int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir() if _is_socket(entry)]


def _is_socket(entry: Path) -> bool:
    try:
        return os.readlink(entry).startswith("socket:")
    except FileNotFoundError:  # closed since it was listed
        return False


def _sever(process: int, descriptor: int, peers: Collection[Peer]) -> bool:
    """Whether the descriptor was such a connection. The number may be another's by now: it is looked at."""
    try:
        duplicate = _duplicate(process, descriptor)
    except OSError as error:
        if error.errno == errno.EBADF:  # closed since it was listed
            return False
        raise
    with duplicate:
        try:
            if duplicate.getpeername() not in peers:
                return False
            duplicate.shutdown(socket.SHUT_RDWR)
        except OSError:  # not connected, or not any more
            return False
    return True


def _duplicate(process: int, descriptor: int) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    own = libc.syscall(_PIDFD_GETFD, process, descriptor, 0)
    if own < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return socket.socket(fileno=own)
