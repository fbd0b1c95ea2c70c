"""Runs a command that dies with its parent: `python -I -S launcher.py PARENT_PID SIGNAL COMMAND...`.

The kernel's parent-death signal is set in the child and survives exec, so a tiny program between fork and
exec sets it; doing that in a `preexec_fn` would run Python in a fork of a threaded process, which can
deadlock. The file stands alone (standard library, no package around it), so that it starts in about 15 ms.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_CANNOT_EXECUTE = 126
_NOT_FOUND = 127


def die_with_parent(parent: int, signal_number: int) -> None:
    """Ask for `signal_number` when the parent's thread that created this process ends.

    Exits at once if `parent` (a process id) is gone already: its death came before the request.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit(f"parent process {parent} is gone")


def main(arguments: list[str]) -> int:
    """Set the signal and become the command; returns only when that fails, like a shell would."""
    parent, signal_number, *command = arguments
    die_with_parent(int(parent), int(signal_number))
    try:
        os.execvp(command[0], command)  # noqa: S606 - becoming the command is the purpose
    except FileNotFoundError:
        sys.stderr.write(f"{command[0]}: command not found\n")
        return _NOT_FOUND
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return _CANNOT_EXECUTE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
