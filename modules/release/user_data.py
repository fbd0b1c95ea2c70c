"""The cloud-config of an instance: puts the agent's configuration and service in place, and starts it.

Pure: text in, text out. The same inputs give the same bytes, because a changed byte is a new release. Secrets
have no place in here: anything on the instance can read its user data.

Paths in the script start with ${INSTANCE_ROOT}, which is empty on AWS and the instance's folder on the
embedded cloud. If the agent can't be fetched, the launch hook runs out and the instance is replaced.
"""

import textwrap
from dataclasses import dataclass

from infra.agent.config import AgentConfig
from infra.environment.ecr import ecr_repository
from infra.errors import Refused

LIMIT = 16 * 1024
"""Bytes of user data that EC2 takes."""

_TEMPLATE = """\
#cloud-config
write_files:
  - path: /etc/llmctl/agent.json
    permissions: "0600"
    content: |
{config}
  - path: /etc/systemd/system/llmctl-agent.service
    permissions: "0644"
    content: |
{unit}
runcmd:
  - |
{script}
"""

_UNIT = """\
[Unit]
Description=llmctl agent
Wants=network-online.target
After=network-online.target docker.service

[Service]
ExecStart=/usr/bin/env python3 ${INSTANCE_ROOT}/opt/llmctl/agent
Restart=on-failure
RestartSec=5
KillMode=mixed
TimeoutStopSec=%(stop)d

[Install]
WantedBy=multi-user.target
"""

_SCRIPT = """\
folder="${INSTANCE_ROOT}/opt/llmctl"
zip="$folder/agent.zip"
mkdir -p "$folder"
fetch() {
  aws s3api get-object --region %(region)s --bucket "%(bucket)s" --key "%(key)s" \\
    --version-id "%(version)s" "$zip" >/dev/null &&
    echo "%(sha256)s  $zip" | sha256sum --check --status
}
for pause in 1 2 4 8 16 32 64 0; do
  fetch && break
  rm -f "$zip"
  sleep "$pause"
done
%(login)spython3 -m zipfile -e "$zip" "$folder/agent" &&
  systemctl daemon-reload &&
  systemctl enable --now llmctl-agent.service
"""

_LOGIN = """\
for pause in 1 2 4 0; do
  aws ecr get-login-password --region %(region)s |
    docker login --username AWS --password-stdin %(registry)s >/dev/null && break
  sleep "$pause"
done
"""
"""Once is enough: a login lasts twelve hours, and docker keeps the image. Without it the agent starts all the
same, and says what docker says."""

_STOP_MARGIN = 60
"""Seconds beside the drain: to stop the engine and to say goodbye."""


@dataclass(frozen=True, kw_only=True)
class AgentSource:
    """Where the agent's zip is. A version of the object, for an old release must find its own agent again."""

    region: str
    bucket: str
    key: str
    version: str
    sha256: str


def user_data(config: AgentConfig, source: AgentSource) -> str:
    """The cloud-config; raises `Refused` when it's longer than EC2 takes."""
    unit = _UNIT % {"stop": config.drain_seconds + _STOP_MARGIN}
    repository = ecr_repository(config.engine.image)
    login = _LOGIN % vars(repository) if repository else ""
    script = _SCRIPT % {**vars(source), "login": login}
    text = _TEMPLATE.format(
        config=_indented(config.to_json()), unit=_indented(unit), script=_indented(script, 4)
    )
    if len(text.encode()) > LIMIT:
        raise Refused(
            f"models.{config.model}.engine: its arguments and environment are too long",
            hint=f"the user data of an instance is {len(text.encode())} bytes, EC2 takes {LIMIT}",
        )
    return text


def _indented(text: str, width: int = 6) -> str:
    return textwrap.indent(text.rstrip("\n"), " " * width)
