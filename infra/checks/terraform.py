"""Rules about Terraform and its AWS provider."""

from collections.abc import Mapping

from infra.checks.rule import Found, Need, Rule
from infra.errors import Refused
from infra.terraform.find import find_executable
from infra.terraform.provider import find_mirror, platform_name
from infra.terraform.version import PROVIDER_VERSION


def _terraform(environment: Mapping[str, str]) -> Found:
    try:
        executable = find_executable(environment)
    except Refused as error:
        return Found(False, error.message)
    return Found(True, f"{executable.version} ({executable.source})", " ".join(executable.command))


def _provider(environment: Mapping[str, str]) -> Found:
    try:
        mirror = find_mirror(environment)
    except Refused as error:
        return Found(False, error.message)
    if mirror is None:
        return Found(False, f"{PROVIDER_VERSION} for {platform_name()} is in no mirror on this machine")
    return Found(True, f"{PROVIDER_VERSION} ({'packed' if mirror.packed else 'unpacked'})", str(mirror.path))


RULES = (
    Rule(
        id="terraform",
        summary="Terraform or OpenTofu, 1.10 or newer",
        remedy="install one, or `pip install 'llmctl-toolkit[terraform]'`; "
        "LLMCTL_TERRAFORM names one elsewhere",
        need=Need.ALWAYS,
        look=_terraform,
    ),
    Rule(
        id="provider",
        summary="Terraform's AWS provider",
        remedy="nothing, where the registry is in reach: it is fetched once. Else fill a folder with "
        "`terraform providers mirror` and name it in LLMCTL_PROVIDER_MIRROR",
        need=Need.NOBODY,
        look=_provider,
    ),
)
