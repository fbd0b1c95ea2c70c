"""The cloud-config of an instance."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from infra.agent.config import AgentConfig, Launch
from infra.errors import Refused
from modules.bindings.base import literal
from modules.release.user_data import AgentSource, user_data

CONFIG = AgentConfig(
    environment="test",
    model="chat",
    region="eu-west-1",
    runtime_table="llmctl-test",
    log_group="/llmctl/test/chat",
    api_key_secret="llmctl/test/api-key",
    weights_uri=None,
    engine=Launch(
        image="vllm/vllm-openai:v0.18.0",
        args=("--chat-template", "{% if x %}${y} 'quoted' \"twice\" # no comment\n---\n\ttab: é"),
        env={"NAME": "value: with a colon"},
    ),
    launch_hook="engine-healthy",
    terminate_hook="drained",
    drain_seconds=120,
)
SOURCE = AgentSource(region="eu-west-1", bucket="llmctl-test", key="agent.zip", version="v1", sha256="0" * 64)


def test_is_yaml_that_carries_the_configuration() -> None:
    """Whatever is in the engine's arguments, the agent reads exactly what was meant."""
    files = {each["path"]: each for each in _parsed(user_data(CONFIG, SOURCE))["write_files"]}
    assert AgentConfig.from_json(files["/etc/llmctl/agent.json"]["content"]) == CONFIG
    assert files["/etc/llmctl/agent.json"]["permissions"] == "0600"


def test_service_outlasts_the_drain() -> None:
    """Stopping the service leaves the agent the time that its drain may take."""
    files = {each["path"]: each for each in _parsed(user_data(CONFIG, SOURCE))["write_files"]}
    unit = files["/etc/systemd/system/llmctl-agent.service"]["content"]
    assert "TimeoutStopSec=180\n" in unit
    assert "ExecStart=/usr/bin/env python3 ${INSTANCE_ROOT}/opt/llmctl/agent\n" in unit


def test_same_input_same_bytes() -> None:
    """User data is a part of the release, so nothing in it may vary by itself."""
    assert user_data(CONFIG, SOURCE) == user_data(replace(CONFIG), replace(SOURCE))


def test_too_long_is_refused() -> None:
    """What EC2 wouldn't take is refused before anything is planned, with the model's name."""
    engine = Launch(image="x", args=("y" * 20_000,))
    with pytest.raises(Refused, match=r"models\.chat\.engine"):
        user_data(replace(CONFIG, engine=engine), SOURCE)


@pytest.mark.parametrize("root", ["", "/instance"])
def test_script_starts_the_agent(root: str, tmp_path: Path) -> None:
    """The script fetches the named version, checks its hash, unpacks it, and starts the service."""
    base, ran = _run(tmp_path, root, hash_of=b"zip")
    assert ran[0].startswith("aws s3api get-object --region eu-west-1 --bucket llmctl-test --key agent.zip")
    assert "--version-id v1" in ran[0]
    assert ran[1:] == [
        f"python3 -m zipfile -e {base}/opt/llmctl/agent.zip {base}/opt/llmctl/agent",
        "systemctl daemon-reload",
        "systemctl enable --now llmctl-agent.service",
    ]


def test_script_starts_nothing_else(tmp_path: Path) -> None:
    """A zip with another hash is fetched again, then given up: the service doesn't start."""
    _, ran = _run(tmp_path, "/instance", hash_of=b"another")
    assert {line.split()[0] for line in ran} == {"aws", "python3"}
    assert len(ran) > 3


def test_script_logs_in_to_ecr(tmp_path: Path) -> None:
    """An image in ECR can't be pulled without a login; the password is in no argument."""
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    config = replace(CONFIG, engine=Launch(image=f"{host}/vllm:v1", args=()))
    _, ran = _run(tmp_path, "/instance", hash_of=b"zip", config=config)
    assert set(ran[1:3]) == {
        "aws ecr get-login-password --region eu-west-1",
        f"docker login --username AWS --password-stdin {host}",
    }
    assert ran[-1] == "systemctl enable --now llmctl-agent.service"


def test_terraform_sees_only_its_own_references() -> None:
    """In a template string, everything is literal but the references that are kept."""
    assert literal("${a} ${aws_x.y.id} %{if}", keep=["${aws_x.y.id}"]) == "$${a} ${aws_x.y.id} %%{if}"


def _parsed(text: str) -> dict[str, list[dict[str, str]]]:
    assert text.startswith("#cloud-config\n")
    parsed: dict[str, list[dict[str, str]]] = YAML(typ="safe", pure=True).load(text)
    return parsed


def _run(folder: Path, root: str, *, hash_of: bytes, config: AgentConfig = CONFIG) -> tuple[str, list[str]]:
    """Run the script with stand-ins that write down how they are called; all paths are below `folder`."""
    import hashlib

    commands, log = folder / "bin", folder / "log"
    commands.mkdir()
    stand_ins = {
        "aws": 'test "$1" = ecr && exit; for last; do :; done; printf zip > "$last"',
        "docker": "cat >/dev/null",
        "python3": 'test -f "$4"',
        "systemctl": ":",
        "sleep": ":",
    }
    for name, does in stand_ins.items():
        note = "" if name == "sleep" else f'echo "{name} $*" >> {log}\n'
        (commands / name).write_text(f"#!/bin/sh\n{note}{does}\n")
        (commands / name).chmod(0o755)
    source = replace(SOURCE, sha256=hashlib.sha256(hash_of).hexdigest())
    (script,) = _parsed(user_data(config, source))["runcmd"]
    base = f"{folder}{root}"
    subprocess.run(
        ["sh", "-c", str(script)],
        env={"PATH": f"{commands}:/usr/bin:/bin", "INSTANCE_ROOT": base},
        check=False,
        timeout=60,
    )
    return base, log.read_text().splitlines()
