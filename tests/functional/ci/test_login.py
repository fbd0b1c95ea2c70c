"""`llmctl ci login` and what AWS's tools get from it: a runner's identity and STS, on loopback."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from pathlib import Path
from urllib.parse import parse_qs

import boto3
import pytest

from infra.errors import ExitCode
from tests.fakes.code_hosts import CodeHost
from tests.fakes.tokens import TokenService, granting

ROLE = "arn:aws:iam::210987654321:role/llmctl-staging-plan"


@pytest.fixture
def sts() -> Iterator[TokenService]:
    """AWS's token service."""
    with granting() as service:
        yield service


@pytest.fixture
def job(host: CodeHost, sts: TokenService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CodeHost:
    """A job that may have an identity."""
    host.documents["/identity"] = {"value": "header.claims.signature"}
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{host.address}/identity?api-version=2.0")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner-secret")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    monkeypatch.setenv("GITHUB_ENV", str(tmp_path / "env"))
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", sts.address)
    return host


def test_identity_for_credentials(
    job: CodeHost, sts: TokenService, llmctl: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The runner's token, asked for AWS, becomes credentials in the form that AWS's tools read."""
    assert llmctl("ci", "credentials", "--role", ROLE) == ExitCode.OK
    given = json.loads(capsys.readouterr().out)
    assert (given["Version"], given["AccessKeyId"]) == (1, "ASIAEXAMPLE")
    assert {"SecretAccessKey", "SessionToken", "Expiration"} <= given.keys()
    [asked] = job.asked
    assert asked.query == {"api-version": "2.0", "audience": "sts.amazonaws.com"}
    assert asked.headers["authorization"] == "Bearer runner-secret"
    [request] = map(parse_qs, sts.asked)
    assert request["WebIdentityToken"] == ["header.claims.signature"]
    assert (request["RoleArn"], request["RoleSessionName"]) == ([ROLE], ["llmctl-42"])


def test_following_steps_have_credentials(
    job: CodeHost, llmctl: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `ci login` any AWS tool finds credentials by asking the command that is written down."""
    assert llmctl("ci", "login", "--role", ROLE) == ExitCode.OK
    name, _, path = (tmp_path / "env").read_text().strip().partition("=")
    assert name == "AWS_CONFIG_FILE"
    written = ConfigParser()
    written.read(path)
    command = shlex.split(written["default"]["credential_process"])
    assert command[1:] == ["ci", "credentials", "--role", ROLE]
    # The tests' own interpreter, where the command need not be installed.
    ours = shlex.join([sys.executable, "-c", "from cli.app import main; main()", *command[1:]])
    Path(path).write_text(f"[default]\ncredential_process = {ours}\n")
    monkeypatch.setenv(name, path)
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    found = boto3.Session().get_credentials()
    assert found is not None
    assert found.get_frozen_credentials().access_key == "ASIAEXAMPLE"


def test_no_identity(
    llmctl: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the permission there is no identity to show: it is named."""
    assert llmctl("ci", "credentials", "--role", ROLE) == ExitCode.REFUSED
    assert "id-token: write" in capsys.readouterr().err


@pytest.mark.parametrize("role", ["", "admin", f"{ROLE}\ncredential_process = x"])
def test_a_role_is_an_arn(job: CodeHost, llmctl: Callable[..., int], tmp_path: Path, role: str) -> None:
    """An empty variable or anything else that is no role is refused before it gets into a configuration."""
    assert llmctl("ci", "login", "--role", role) == ExitCode.REFUSED
    assert not (tmp_path / "llmctl-aws-config").exists()
