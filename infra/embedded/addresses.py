"""Addresses on the loopback network for what has an address of its own in AWS.

Each cloud claims one block 127.N.0.0/16 (never 127.0.0.0/16, where everything else of the machine lives), and
hands out addresses by key. The claim is an abstract Unix socket: it is seen by every user in the same network
namespace, which is just where loopback addresses collide, and the kernel frees it when the process dies.
"""

import errno
import hashlib
import socket
from collections import deque
from ipaddress import IPv4Address, IPv4Network

from infra.errors import LlmctlError

_BLOCKS = range(1, 255)


class Addresses:
    """One claimed block and the addresses given from it. Not thread-safe: for the daemon's main thread."""

    def __init__(self, block: IPv4Network, claim: socket.socket) -> None:
        self.block = block
        self._claim = claim
        self._given: dict[str, IPv4Address] = {}
        self._fresh = block.hosts()
        self._freed: deque[IPv4Address] = deque()

    @classmethod
    def claim(cls, name: str) -> "Addresses":
        """Claim a free block; the same name tends to get the same one. Raises LlmctlError if none is free."""
        first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
        for offset in range(len(_BLOCKS)):
            number = _BLOCKS[(first + offset) % len(_BLOCKS)]
            if claim := _claim(number):
                return cls(IPv4Network(f"127.{number}.0.0/16"), claim)
        raise LlmctlError(
            "no free block of loopback addresses: every 127.N.0.0/16 is claimed by an embedded cloud",
            hint="stop some of them: llmctl local down NAME",
        )

    def allocate(self, key: str) -> str:
        """The key's address: the one it has, else one never used, else the one freed longest ago.

        Raises LlmctlError when the block is used up.
        """
        if key not in self._given:
            address = next(self._fresh, None)
            if address is None:
                if not self._freed:
                    raise LlmctlError(f"all addresses of {self.block} are in use")
                address = self._freed.popleft()
            self._given[key] = address
        return str(self._given[key])

    def find(self, key: str) -> str | None:
        """The key's address, if it has one."""
        address = self._given.get(key)
        return None if address is None else str(address)

    def free(self, key: str) -> None:
        """Give the key's address back, if it has one."""
        if (address := self._given.pop(key, None)) is not None:
            self._freed.append(address)

    def release(self) -> None:
        """Give up the block."""
        self._claim.close()


def _claim(number: int) -> socket.socket | None:
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0embedded-cloud/127.{number}.0.0/16")
    except OSError as error:
        claim.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return claim
