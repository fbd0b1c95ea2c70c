"""Envoy's files on disk, and whether a socket can be had."""

import errno
import socket
from pathlib import Path

import pytest

from infra.embedded.balancer import sockets
from infra.embedded.balancer.envoy import Envoy


def test_only_changes_are_written_and_leftovers_removed(tmp_path: Path) -> None:
    """A file that stays the same isn't touched, so Envoy reloads only what changed; old ones go."""
    (tmp_path / "eds").mkdir()
    (tmp_path / "eds" / "old.json").write_text("{}")
    envoy = Envoy(tmp_path)
    envoy.prepare()
    envoy.write({"eds/a.json": b"1", "eds/b.json": b"1"})
    before = (tmp_path / "eds/a.json").stat()
    envoy.write({"eds/a.json": b"1", "cds.json": b"2"})
    after = (tmp_path / "eds/a.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        "eds/a.json",
        "cds.json",
    }
    assert after.st_mode & 0o077 == 0


def test_free_and_taken_port() -> None:
    """A free port is no obstacle; a taken one names the remedy."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        other.listen()
        assert f"ss -ltnp 'sport = :{port}'" in (sockets.obstacle("127.0.0.1", port) or "")
    assert sockets.obstacle("127.0.0.1", port) is None


def test_privileged_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that only root may open is explained with both ways out."""
    monkeypatch.setattr(socket, "socket", _Refusing)
    told = sockets.obstacle("127.0.0.1", 80) or ""
    assert "choose a listener port from" in told
    assert "sysctl net.ipv4.ip_unprivileged_port_start=80" in told


class _Refusing(socket.socket):
    def bind(self, _: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")
