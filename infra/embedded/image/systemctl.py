"""`systemctl` on an emulated instance: asks the instance's init. Other verbs and options are refused."""

import json
import os
import socket
import sys
from pathlib import Path

from infra.embedded.processes import INSTANCE_MARK

# As in `control`; not imported from there, since that would load the supervisor for every call.
_SOCKET = Path("run/systemd/init.sock")
_VERBS = ("daemon-reload", "enable", "start", "stop", "restart", "is-active")
_FAILED = 1


class UsageError(ValueError):
    """Arguments that this systemctl does not have."""


def parse(arguments: list[str]) -> tuple[dict[str, object], bool]:
    """The request to the init, and whether to be quiet; raises UsageError."""
    flags = {argument for argument in arguments if argument.startswith("-")}
    if unknown := sorted(flags - {"--now", "-q", "--quiet"}):
        raise UsageError(f"systemctl: unrecognized option '{unknown[0]}' (in the embedded cloud)")
    words = [argument for argument in arguments if not argument.startswith("-")]
    if not words or words[0] not in _VERBS:
        known = ", ".join(_VERBS)
        raise UsageError(f"Unknown command verb {' '.join(words[:1])!r}: the embedded cloud has {known}.")
    verb, *units = words
    if not units and verb != "daemon-reload":
        raise UsageError("Too few arguments.")
    return {"verb": verb, "units": units, "now": "--now" in flags}, bool(flags & {"-q", "--quiet"})


def ask(root: Path, request: dict[str, object]) -> dict[str, object]:
    """Send a request to the instance's init and return its reply."""
    os.chdir(root / _SOCKET.parent)  # a socket's name must be short, the root's path may be long
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(_SOCKET.name)
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as reply:
            answer: dict[str, object] = json.loads(reply.readline())
            return answer


def main() -> int:
    """Carry out one command line; the exit code is systemctl's."""
    try:
        request, quiet = parse(sys.argv[1:])
        reply = ask(Path(os.environ[INSTANCE_MARK]), request)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    except OSError as error:
        sys.stderr.write(f"Failed to connect to the instance's init: {error}\n")
        return _FAILED
    if reply["out"] and not quiet:
        sys.stdout.write(f"{reply['out']}\n")
    if reply["err"]:
        sys.stderr.write(f"{reply['err']}\n")
    code = reply["code"]
    assert isinstance(code, int)
    return code


if __name__ == "__main__":
    sys.exit(main())
