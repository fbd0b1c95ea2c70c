"""Which environments a change may change: pure, over names of files as git tells them."""

from collections.abc import Iterable
from pathlib import PurePosixPath

_SHARED_FOLDERS = ("infra", "modules", "stacks")
"""What defines the stacks, and what they carry into the cloud: agent, functions."""
_SHARED_FILES = (
    "pyproject.toml",
    "requirements.lock",
    "requirements-terraform.lock",
    "requirements-llmctl.txt",
)
_ENVIRONMENT = ".yaml"


def changed_environments(
    changed: Iterable[str], environments: Iterable[str], folder: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the environments to plan, and of those whose file is gone.

    `changed`: paths from the repository's root; `environments`: names of those that exist; `folder`: where
    their files are, from the root. A change of shared code, locks, or of another file next to the environment
    files (golden prompts) may change every environment: an empty plan costs a minute, a missing one more.
    """
    names, paths = tuple(environments), [PurePosixPath(each) for each in changed]
    touched = {path.stem for path in paths if _is_environment(path, folder)}
    gone = tuple(sorted(touched - set(names)))
    if any(_is_shared(path, folder) for path in paths):
        return names, gone
    return tuple(name for name in names if name in touched), gone


def _is_environment(path: PurePosixPath, folder: str) -> bool:
    return path.parent == PurePosixPath(folder) and path.suffix == _ENVIRONMENT


def _is_shared(path: PurePosixPath, folder: str) -> bool:
    if path.is_relative_to(folder):
        return not _is_environment(path, folder) and path.name != "schema.json"
    return str(path) in _SHARED_FILES or path.parts[0] in _SHARED_FOLDERS
