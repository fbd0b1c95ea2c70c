"""The clock of an instance, which may be wrong: `sitecustomize` of its Python programs.

`time.time` adds what a file below the root says, while there is one. What asks the operating system otherwise
(`datetime.now`, other languages) sees the true time.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

OFFSET = "run/clock-offset"
"""Below an instance's root: seconds that its clock is ahead, as text."""


def skewed(true: Callable[[], float], root: str) -> Callable[[], float]:
    """A clock that is ahead of the true one by what the file says now."""
    path = os.path.join(root, OFFSET)

    def now() -> float:
        try:
            with open(path) as file:
                return true() + float(file.read())
        except (OSError, ValueError):
            return true()

    return now


def install() -> None:
    """Let this process's `time.time` follow its instance's clock."""
    if root := os.environ.get("INSTANCE_ROOT"):
        time.time = skewed(time.time, root)


def site_folder(folder: Path) -> Path:
    """Write the `sitecustomize` that installs it into `folder`, and return that.

    It is this file's text and imports nothing of the cloud's: an instance's programs may have packages of the
    same names, and the first one that is imported wins.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(f"{Path(__file__).read_text()}\n\ninstall()\n")
    return folder
