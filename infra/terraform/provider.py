"""Where the AWS provider comes from: a mirror on this machine if there is one, else its registry.

The provider is the largest thing that llmctl needs (a 170 MB archive, 675 MB unpacked), so a copy that is
already here is never fetched again: an unpacked one is linked, a packed one is unpacked once into a shared
cache. The answer is a CLI configuration file and variables of our own; what Terraform's configuration in
the user's home says counts only when no mirror was found, for it may name a mirror in the network.
"""

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.errors import Refused
from infra.paths import cache_directory
from infra.terraform.version import PROVIDER_VERSION

_REGISTRY = "registry.terraform.io"
_PROVIDER = f"{_REGISTRY}/hashicorp/aws"
_SEARCHED = (Path("/opt"), Path("/usr/local/share"), Path("/usr/share"))
_DEPTH = 3
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Mirror:
    """A folder that holds the provider in Terraform's mirror layout."""

    path: Path
    packed: bool
    source: str


def platform_name() -> str:
    """Name this machine in Terraform's words, such as linux_amd64."""
    return f"{platform.system().lower()}_{_MACHINES.get(platform.machine(), platform.machine())}"


def find_mirror(environment: Mapping[str, str], *, searched: tuple[Path, ...] = _SEARCHED) -> Mirror | None:
    """The first mirror with the pinned version for this machine, unpacked ones first within a mirror.

    Raises `Refused` when LLMCTL_PROVIDER_MIRROR names a folder that doesn't have it.
    """
    if named := environment.get("LLMCTL_PROVIDER_MIRROR"):
        root = Path(named).expanduser().resolve()
        if found := _look(root, "LLMCTL_PROVIDER_MIRROR"):
            return found
        raise Refused(
            f"LLMCTL_PROVIDER_MIRROR={named} has no {_PROVIDER} {PROVIDER_VERSION} for {platform_name()}",
            hint="`terraform providers mirror` fills such a folder",
        )
    for root in _standard(environment):
        if found := _look(root, "Terraform's plugin directories"):
            return found
    for tree in searched:
        for root in _below(tree, _DEPTH):
            if found := _look(root, str(tree)):
                return found
    return None


def settings(mirror: Mirror | None, environment: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Write a CLI configuration into `directory` if one is needed; return variables for Terraform."""
    chosen: dict[str, str] = {}
    if mirror is None and (users := _users_configuration(environment)):
        chosen["TF_CLI_CONFIG_FILE"] = str(users)
    else:
        path = directory / "terraform.tfrc"
        path.write_text(_configuration(mirror))
        chosen["TF_CLI_CONFIG_FILE"] = str(path)
    if mirror is None or mirror.packed:
        cache = Path(environment.get("TF_PLUGIN_CACHE_DIR") or cache_directory() / "plugins")
        cache.mkdir(parents=True, exist_ok=True)
        chosen["TF_PLUGIN_CACHE_DIR"] = str(cache)
        # The version is pinned, so the cache may be trusted before a run directory has a lock file.
        chosen["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "1"
    return chosen


def _look(root: Path, source: str) -> Mirror | None:
    provider = root / _PROVIDER
    unpacked = provider / PROVIDER_VERSION / platform_name()
    if unpacked.is_dir() and any(unpacked.glob("terraform-provider-aws*")):
        return Mirror(root, False, source)
    packed = provider / f"terraform-provider-aws_{PROVIDER_VERSION}_{platform_name()}.zip"
    return Mirror(root, True, source) if packed.is_file() else None


def _standard(environment: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environment.get("HOME") or Path.home())
    yield home / ".terraform.d" / "plugins"
    yield Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "terraform" / "plugins"
    for share in (environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":"):
        if share:
            yield Path(share) / "terraform" / "plugins"


def _below(root: Path, depth: int) -> Iterator[Path]:
    """Folders at most `depth` levels down that hold a tree of the registry; links are not followed."""
    try:
        with os.scandir(root) as entries:
            folders = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    if _REGISTRY in folders:
        yield root
    elif depth > 0:
        for name in folders:
            yield from _below(root / name, depth - 1)


def _users_configuration(environment: Mapping[str, str]) -> Path | None:
    named = environment.get("TF_CLI_CONFIG_FILE")
    home = Path(environment.get("HOME") or Path.home())
    candidates = [Path(named)] if named else [home / ".terraformrc", home / ".tofurc"]
    return next((path for path in candidates if path.is_file()), None)


def _configuration(mirror: Mirror | None) -> str:
    if mirror is None:
        return ""
    path = str(mirror.path).replace("\\", "\\\\").replace('"', '\\"')
    return (
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{path}"\n    include = ["{_PROVIDER}"]\n  }}\n'
        f'  direct {{\n    exclude = ["{_PROVIDER}"]\n  }}\n'
        "}\n"
    )
