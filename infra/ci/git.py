"""What git says of the checkout we are in."""

import subprocess
from pathlib import Path

from infra.errors import LlmctlError

_TIMEOUT = 60


def root(folder: Path) -> Path:
    """The checkout that a folder is in; raises `LlmctlError` outside of one."""
    return Path(_git(folder, "rev-parse", "--show-toplevel").strip())


def changed_files(folder: Path, base: str) -> tuple[str, ...]:
    """Paths from the root that differ between where HEAD left `base` and HEAD; renamed ones by both names.

    Raises `LlmctlError` when the checkout doesn't have the base.
    """
    told = _git(
        folder,
        "diff",
        "--name-only",
        "--no-renames",
        "-z",
        "--merge-base",
        "--end-of-options",
        base,
        "HEAD",
        "--",
    )
    return tuple(path for path in told.split("\0") if path)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LlmctlError(f"can't run git in {folder}: {error}") from error
    if done.returncode:
        raise LlmctlError(
            f"git {' '.join(arguments[:2])}: {done.stderr.strip()}",
            hint="check the whole history out: `fetch-depth: 0`",
        )
    return done.stdout
