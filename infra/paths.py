"""Where llmctl keeps things on the user's machine.

State (run directories, the embedded clouds): `$LLMCTL_STATE_DIR`, else the XDG state folder. Caches (bundles,
provider plugins, weights): `$LLMCTL_CACHE_DIR`, else the XDG cache folder. Both can be deleted when nothing
runs.
"""

import os
from pathlib import Path


def state_directory() -> Path:
    """Folder of what must last between commands."""
    return _directory("LLMCTL_STATE_DIR", "XDG_STATE_HOME", ".local/state")


def cache_directory() -> Path:
    """Folder of what can be fetched or built again."""
    return _directory("LLMCTL_CACHE_DIR", "XDG_CACHE_HOME", ".cache")


def _directory(own: str, xdg: str, default: str) -> Path:
    if configured := os.environ.get(own):
        return Path(configured)
    base = os.environ.get(xdg)
    return (Path(base) if base else Path.home() / default) / "llmctl"
