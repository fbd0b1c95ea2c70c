"""Envoy's life, its sockets, and the problems that people are told about."""

import datetime
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.embedded import processes
from infra.embedded.aws.views import Certificate, FixedResponse
from infra.embedded.balancer import envoy
from tests.fakes.load_balancing import balancer, group, listener, rules
from tests.functional.embedded_balancer.conftest import Site, free_port

pytestmark = pytest.mark.slow

_FINE = rules(default=FixedResponse(status_code=200, content_type="text/plain", body='{"name": "fine"}'))


def _certificate() -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "llm.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        arn="certificate",
        certificate=made.public_bytes(serialization.Encoding.PEM),
        private_key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        chain=b"",
    )


def test_each_load_balancer_has_its_address(site: Site) -> None:
    """Two load balancers listen on one port, each on an address that the account gives as its name."""
    one, two = (balancer([listener(site.port, _FINE)], name=name) for name in ("one", "two"))
    site.serve_all(one, two)
    site.until_status(200)
    assert len({site.cloud.dns_names[each.arn] for each in (one, two)}) == 2
    site.serve_all(two)
    site.until_status(200)


def test_taken_port_is_told_and_taken_over_later(site: Site) -> None:
    """A port in use stops neither Envoy nor other listeners; it is served as soon as it is free."""
    address = site.addresses.allocate(balancer([]).arn)
    other = free_port(address)
    with socket.socket() as squatter:
        squatter.bind((address, site.port))
        squatter.listen()
        site.serve_all(balancer([listener(site.port, _FINE), listener(other, _FINE)]))
        (problem,) = site.balancer.problems()
        assert problem.startswith(
            f"load balancer web, port {site.port} of {address} is not served: another program"
        )
        assert f"ss -ltnp 'sport = :{site.port}'" in problem
        site.port, taken = other, site.port
        site.until_status(200)
    site.port = taken
    site.until_status(200)
    assert site.balancer.problems() == ()


def test_killed_envoy_comes_back(site: Site) -> None:
    """When Envoy dies another one serves the same a moment later."""
    site.server("i-a")
    site.forward_to(group("one", site.target("i-a")))
    site.until_healthy("i-a")
    first = site.balancer.envoy_pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    site.until(lambda: site.balancer.envoy_pid not in (None, first))
    site.until_status(200)
    assert site.balancer.problems() == ()


def test_https_with_the_listeners_certificate(site: Site) -> None:
    """An HTTPS listener shows its certificate, and its key is for nobody else to read."""
    certificate = _certificate()
    site.serve_all(balancer([listener(site.port, _FINE, certificate)]))
    pem = ""

    def answers() -> bool:
        nonlocal pem
        try:
            pem = ssl.get_server_certificate((site.address, site.port))
        except OSError:
            return False
        return True

    site.until(answers)
    assert pem.split() == certificate.certificate.decode().split()
    assert (site.directory / "lds.json").stat().st_mode & 0o077 == 0


def test_broken_certificate_is_told(site: Site) -> None:
    """What Envoy refuses is named with its load balancer, its port and Envoy's reason."""
    broken = Certificate(arn="certificate", certificate=b"no", private_key=b"no", chain=b"")
    site.serve_all(balancer([listener(site.port, _FINE, broken)]))
    site.until(site.balancer.problems)
    assert (
        f"load balancer web, port {site.port} of {site.address} is not served: Envoy refuses it"
        in (site.balancer.problems()[0])
    )


def test_removed_listener_stops_listening(site: Site) -> None:
    """A deleted listener refuses connections; its files go, and nothing is rejected on the way."""
    other = free_port(site.addresses.allocate(balancer([]).arn))
    site.serve_all(balancer([listener(site.port, _FINE), listener(other, _FINE)]))
    site.until_status(200)
    site.serve_all(balancer([listener(other, _FINE)]))
    site.until_status(0)
    site.round()
    assert len(list((site.directory / "rds").glob("*.json"))) == 1


def test_access_log_says_who_answered_and_when(site: Site) -> None:
    """Each request is a JSON line with its group, target, times and id, and without the query."""
    site.server("i-a")
    one = group("one", site.target("i-a"))
    site.forward_to(one)
    site.until_healthy("i-a")
    site.get("/v1/x?key=secret", {"x-request-id": "abc"})
    log = site.directory / "access.log"
    site.until(lambda: log.exists() and '"abc"' in log.read_text())
    line = next(line for line in map(json.loads, log.read_text().splitlines()) if line["request_id"] == "abc")
    assert (line["status"], line["path"], line["target_group"]) == (200, "/v1/x", one.arn)
    assert line["target"] == f"{site.servers['i-a'].address}:{site.servers['i-a'].port}"
    assert line["duration_ms"] >= line["first_byte_ms"] >= 0


def test_big_logs_are_put_aside(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs don't grow for ever: a big one is kept once, and new requests go to a new file."""
    monkeypatch.setattr(envoy, "_LOG_BYTES", 1)
    site.serve_all(balancer([listener(site.port, _FINE)]))
    site.until_status(200)
    log, old = site.directory / "access.log", site.directory / "access.log.1"
    site.until(old.exists)
    monkeypatch.setattr(envoy, "_LOG_BYTES", 1 << 20)
    site.get("/", {"x-request-id": "later"})
    site.until(lambda: log.exists() and "later" in log.read_text())
    assert "later" not in old.read_text()


def test_envoy_dies_with_its_parent(tmp_path: Path) -> None:
    """When the daemon is killed its Envoy doesn't outlive it."""
    program = (
        "import pathlib, sys, time\n"
        "from infra.embedded.balancer.balancer import Balancer\n"
        "from tests.fakes.load_balancing import FakeCloud\n"
        "one = Balancer(pathlib.Path(sys.argv[1]), {}.get, str, FakeCloud())\n"
        "one.start()\n"
        "one.reconcile(0.0)\n"
        "print(one.envoy_pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = (sys.executable, "-c", program, str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert processes.start_time(pid) is not None
        parent.kill()
    deadline = time.monotonic() + 10
    while processes.start_time(pid) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_stop_leaves_no_process(site: Site) -> None:
    """After `stop` Envoy is gone."""
    site.serve_all(balancer([listener(site.port, _FINE)]))
    site.until_status(200)
    pid = site.balancer.envoy_pid
    site.balancer.stop()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
