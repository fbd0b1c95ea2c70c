"""Connections of a child process that are ended from outside."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from infra.embedded.balancer.connections import sever

_CLIENT = """
import socket, sys
connections = [socket.create_connection(("127.0.0.1", int(port))) for port in sys.argv[1:]]
print("connected", flush=True)
for connection in connections:
    print(connection.recv(9), flush=True)
"""


@pytest.fixture
def servers() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two places to connect to; the kernel accepts."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        yield one, other


def test_only_connections_to_the_peers_end(servers: tuple[socket.socket, socket.socket]) -> None:
    """The process sees its far end hang up, and goes on with its other connections."""
    addresses = [server.getsockname() for server in servers]
    command = [sys.executable, "-I", "-c", _CLIENT, *(str(port) for _, port in addresses)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "connected\n"
        assert sever(client.pid, {("127.0.0.1", 1)}) == 0
        assert sever(client.pid, addresses[:1]) == 1
        assert client.stdout.readline() == "b''\n"
        there, _ = servers[1].accept()
        with there:
            there.sendall(b"still")
            assert client.stdout.readline() == "b'still'\n"


def test_a_process_that_is_gone_is_an_error() -> None:
    """The caller learns that nothing was ended."""
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    with pytest.raises(OSError, match="No such process"):
        sever(gone.pid, {("127.0.0.1", 1)})
