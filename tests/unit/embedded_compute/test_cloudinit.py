"""User data becomes exactly the files and the script that cloud-init would make of it."""

import base64
import gzip

import pytest

from infra.embedded.compute.cloudinit import Boot, UserDataError, parse


def config(text: str) -> Boot:
    """Parse the body of a cloud-config."""
    return parse(f"#cloud-config\n{text}".encode())


def test_files_are_decoded() -> None:
    """Every encoding that cloud-init documents yields the same bytes."""
    plain = b"hello\n"
    b64 = base64.b64encode(plain).decode()
    both = base64.b64encode(gzip.compress(plain)).decode()
    boot = config(
        f"""
write_files:
- {{path: /a, content: "hello\\n"}}
- {{path: /b, content: {b64}, encoding: b64}}
- {{path: /c, content: {both}, encoding: gz+b64}}
"""
    )
    assert [file.content for file in boot.files] == [plain, plain, plain]


@pytest.mark.parametrize("permissions", ["0600", "'0600'", "0o600"])
def test_permissions_are_octal(permissions: str) -> None:
    """An unquoted 0600 is octal, as in cloud-init: decimal 600 would open a secret to everyone."""
    boot = config(f"write_files:\n- {{path: /a, permissions: {permissions}}}\n")
    assert boot.files[0].mode == 0o600


def test_paths_cannot_leave_the_root() -> None:
    """A path with .. stays below the instance's root: user data must not write to the host."""
    boot = config("write_files:\n- {path: /etc/../../../x/./y, content: z}\n")
    assert boot.files[0].path == "x/y"


def test_runcmd_is_one_script() -> None:
    """Strings are shell lines and lists are quoted words of one script, so variables and cd last."""
    boot = config("runcmd:\n- cd /tmp && X=1\n- [echo, 'a b', 3]\n")
    assert boot.script == b"#!/bin/sh\ncd /tmp && X=1\necho 'a b' 3\n"


def test_script_user_data_is_run_as_it_is() -> None:
    """A #! script keeps its own interpreter line."""
    assert parse(b"#!/bin/bash -x\necho hi\n").script == b"#!/bin/bash -x\necho hi\n"


def test_compressed_user_data() -> None:
    """Gzipped user data, which fits more into the 16 KB limit, is unpacked first."""
    assert parse(gzip.compress(b"#!/bin/sh\ntrue\n")).script == b"#!/bin/sh\ntrue\n"


def test_what_is_not_emulated_is_noted() -> None:
    """Unknown keys are told: what works here by being ignored would surprise on AWS."""
    boot = config("packages: [jq]\nwrite_files:\n- {path: /a, owner: 'me:me'}\n")
    assert boot.notes == (
        "packages: is not emulated; ignored",
        "write_files: owner of /a is not emulated; ignored",
    )


@pytest.mark.parametrize("nothing", [b"", b"  \n", b"#cloud-config\n"])
def test_no_user_data(nothing: bytes) -> None:
    """An instance without user data boots and does nothing."""
    assert parse(nothing) == Boot()


@pytest.mark.parametrize(
    ("user_data", "message"),
    [
        (b"Content-Type: multipart/mixed", "starts with 'Content-Type: multipart/mixed'"),
        (b"#cloud-config\n- a\n", "must be a mapping, not list"),
        (b"#cloud-config\na: [", "not YAML"),
        (b"#cloud-config\nruncmd: ls\n", "runcmd must be a list, not str"),
        (b"#cloud-config\nruncmd: [1]\n", "must be a string or a list"),
        (b"#cloud-config\nwrite_files: [{content: a}]\n", "must be a mapping with a path"),
        (b"#cloud-config\nwrite_files: [{path: /a, encoding: rot13}]\n", "unknown encoding 'rot13' of /a"),
        (b"#cloud-config\nwrite_files: [{path: /a, encoding: b64, content: abc}]\n", "/a is not base64"),
        (b"#cloud-config\nwrite_files: [{path: /a, permissions: rw}]\n", "permissions 'rw' of /a"),
        (b"\x1f\x8bnonsense", "broken gzip"),
    ],
)
def test_broken_user_data(user_data: bytes, message: str) -> None:
    """User data that can't be run is refused with what is wrong with it."""
    with pytest.raises(UserDataError, match=message.replace("[", r"\[")):
        parse(user_data)
