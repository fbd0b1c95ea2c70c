"""Rules about this machine: interpreter, C library, disk, loopback addresses, weights on disk."""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.checks.rule import Found, Need, Rule
from infra.paths import cache_directory, state_directory

_PYTHON = (3, 11)
_GLIBC = (2, 31)
_FREE_GIB = 3.0
_LOOPBACK = "127.83.77.1"


def _python(environment: Mapping[str, str]) -> Found:
    return Found(sys.version_info[:2] >= _PYTHON, platform.python_version(), sys.executable)


def _glibc(environment: Mapping[str, str]) -> Found:
    name, number = platform.libc_ver()
    if name != "glibc":
        return Found(False, f"this system's C library is {name or 'not glibc'}")
    major, minor, *_ = (int(part) for part in number.split("."))
    return Found((major, minor) >= _GLIBC, number)


def _disk(environment: Mapping[str, str]) -> Found:
    folder = _existing(state_directory())
    free = shutil.disk_usage(folder).free / 2**30
    return Found(free >= _FREE_GIB, f"{free:.1f} GiB free", str(folder))


def _state(environment: Mapping[str, str]) -> Found:
    folder = _existing(state_directory())
    writable = os.access(folder, os.W_OK | os.X_OK)
    return Found(writable, "writable" if writable else "not writable", str(state_directory()))


def _loopback(environment: Mapping[str, str]) -> Found:
    try:
        with socket.socket() as probe:
            probe.bind((_LOOPBACK, 0))
    except OSError as error:
        return Found(False, f"{_LOOPBACK} can't be used: {error.strerror}")
    return Found(True, "127.0.0.0/8 usable")


def _weights(environment: Mapping[str, str]) -> Found:
    hub = cache_directory() / "hub"
    files = sorted(hub.rglob("*.gguf")) if hub.is_dir() else []
    if not files:
        return Found(False, "none in the cache", str(hub))
    size = sum(path.stat().st_size for path in files) / 2**20
    return Found(True, f"{', '.join(path.name for path in files[:3])} ({size:.0f} MiB)", str(hub))


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


RULES = (
    Rule(
        id="python",
        summary="Python 3.11 or newer",
        remedy="make a virtual environment with a newer Python",
        need=Need.ALWAYS,
        look=_python,
    ),
    Rule(
        id="state-directory",
        summary="a folder for run directories and embedded clouds",
        remedy="make it writable, or name another in LLMCTL_STATE_DIR",
        need=Need.ALWAYS,
        look=_state,
    ),
    Rule(
        id="disk",
        summary=f"{_FREE_GIB:.0f} GiB of free disk",
        remedy="make room, or name a folder on another disk in LLMCTL_STATE_DIR",
        need=Need.ALWAYS,
        look=_disk,
    ),
    Rule(
        id="glibc",
        summary="glibc 2.31 or newer, for Envoy",
        remedy="use a newer or another distribution; AWS environments don't need it",
        need=Need.EMBEDDED,
        look=_glibc,
    ),
    Rule(
        id="loopback",
        summary="loopback addresses, one for each emulated instance",
        remedy="llmctl's embedded cloud needs Linux, where all of 127.0.0.0/8 is this machine",
        need=Need.EMBEDDED,
        look=_loopback,
    ),
    Rule(
        id="weights",
        summary="weights of a small model, for the embedded cloud",
        remedy="nothing: they are fetched from their package when first needed",
        need=Need.NOBODY,
        look=_weights,
    ),
)
