"""A small cloud-init: what user data asks for, as values.

Understood are scripts (`#!`) and cloud-configs with `write_files` and `runcmd`, gzipped or not. As in the
real one, the entries of `runcmd` become one shell script, so a `cd` or a variable lasts and a failing entry
does not stop the next. What is not understood becomes a note for the console, never silence. Nothing is
written or run here: the instance's init does.
"""

import base64
import binascii
import gzip
import posixpath
import shlex
import zlib
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_GZIP = b"\x1f\x8b"
_HEADER = b"#cloud-config"
_FILE_KEYS = {"path", "content", "encoding", "permissions", "append"}
_DEFAULT_MODE = 0o644
_BASE64 = {"b64", "base64"}
_GZIPPED = {"gz", "gzip"}
_BOTH = {"gz+base64", "gzip+base64", "gz+b64", "gzip+b64"}


class UserDataError(ValueError):
    """User data that cloud-init could not run."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file to write below the instance's root."""

    path: str
    """Relative to the root, without a way out of it."""
    content: bytes
    mode: int
    append: bool


@dataclass(frozen=True, kw_only=True)
class Boot:
    """What to do at first boot: write the files, then run the script (bytes that start with #!)."""

    files: tuple[File, ...] = ()
    script: bytes | None = None
    notes: tuple[str, ...] = ()
    """What was asked for and will not happen."""


def parse(user_data: bytes) -> Boot:
    """Read user data; raises UserDataError when it can't be understood at all."""
    text = _decompress(user_data) if user_data.startswith(_GZIP) else user_data
    if not text.strip():
        return Boot()
    if text.startswith(b"#!"):
        return Boot(script=text)
    if text.startswith(_HEADER):
        return _parse_config(text)
    first = text.splitlines()[0][:60].decode(errors="replace")
    raise UserDataError(f"user data starts with {first!r}; only #cloud-config and #! scripts are emulated")


def _parse_config(text: bytes) -> Boot:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)  # as cloud-init reads it: permissions 0644 are octal, yes is true
    try:
        config = yaml.load(text)
    except YAMLError as error:
        raise UserDataError(f"the cloud-config is not YAML: {error}") from error
    if config is None:
        return Boot()
    if not isinstance(config, dict):
        raise UserDataError(f"the cloud-config must be a mapping, not {type(config).__name__}")
    notes = [f"{key}: is not emulated; ignored" for key in config if key not in {"write_files", "runcmd"}]
    files = [_parse_file(item, notes) for item in _list(config, "write_files")]
    commands = _list(config, "runcmd")
    return Boot(files=tuple(files), script=_script(commands) if commands else None, notes=tuple(notes))


def _list(config: dict[str, Any], key: str) -> list[Any]:
    value = config.get(key) or []
    if not isinstance(value, list):
        raise UserDataError(f"{key} must be a list, not {type(value).__name__}")
    return value


def _parse_file(item: Any, notes: list[str]) -> File:
    if not isinstance(item, dict) or not isinstance(item.get("path"), str):
        raise UserDataError(f"write_files: an entry must be a mapping with a path, not {item!r}")
    path = posixpath.normpath("/" + item["path"]).lstrip("/")
    unknown = sorted(item.keys() - _FILE_KEYS)
    notes.extend(f"write_files: {key} of /{path} is not emulated; ignored" for key in unknown)
    return File(
        path=path,
        content=_content(item.get("content", ""), item.get("encoding", "text/plain"), path),
        mode=_mode(item.get("permissions"), path),
        append=bool(item.get("append", False)),
    )


def _content(content: str | bytes, encoding: str, path: str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    try:
        if encoding in _BASE64 | _BOTH:
            raw = base64.b64decode(raw)
    except binascii.Error as error:
        raise UserDataError(f"write_files: the content of /{path} is not base64: {error}") from error
    if encoding in _GZIPPED | _BOTH:
        return _decompress(raw)
    if encoding not in {"text/plain", *_BASE64}:
        raise UserDataError(f"write_files: unknown encoding {encoding!r} of /{path}")
    return raw


def _decompress(raw: bytes) -> bytes:
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise UserDataError(f"broken gzip data: {error}") from error


def _mode(permissions: str | int | None, path: str) -> int:
    if permissions is None:
        return _DEFAULT_MODE
    try:
        return permissions if isinstance(permissions, int) else int(permissions, 8)
    except ValueError as error:
        raise UserDataError(f"write_files: permissions {permissions!r} of /{path} are not octal") from error


def _script(commands: list[Any]) -> bytes:
    lines = ["#!/bin/sh"]
    for command in commands:
        if isinstance(command, list):
            lines.append(shlex.join(str(word) for word in command))
        elif isinstance(command, str):
            lines.append(command)
        else:
            raise UserDataError(f"runcmd: an entry must be a string or a list, not {command!r}")
    return ("\n".join(lines) + "\n").encode()
