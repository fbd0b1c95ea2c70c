"""Builds the image's bin folder: one small script a command, all running this interpreter.

The folder comes first on the PATH of every instance, so that `python3`, `aws`, `docker` and `systemctl` are
these, whatever the machine has installed.
"""

import shlex
import sys
from pathlib import Path

from infra.embedded.image import clock

COMMANDS = ("aws", "docker", "systemctl")


def build(folder: Path) -> Path:
    """Write the commands into `folder` (created) and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COMMANDS:
        _write(folder / name, ("-I", "-m", f"{__package__}.{name}"))
    site = clock.site_folder(folder / "site")
    for name in ("python3", "python"):
        _write(folder / name, (), PYTHONPATH=str(site))
    return folder


def _write(path: Path, arguments: tuple[str, ...], **variables: str) -> None:
    # A shell wrapper, not a shebang: an interpreter's path may be too long for one or hold blanks. And a
    # link to a virtual environment's interpreter would not find that environment.
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    path.write_text(f'#!/bin/sh\n{exports}exec {shlex.join((sys.executable, *arguments))} "$@"\n')
    path.chmod(0o755)
