"""Becomes another program, one that is interrupted when its parent dies.

`launch.py PARENT_PID PROGRAM ARGUMENTS...`, run as a file, on the bare standard library. A CLI that is
killed with SIGKILL can tell Terraform nothing; the kernel does, with the signal that makes Terraform finish
what is in flight, write its state and release its lock.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Arm the signal, then exec; exits with 125 when the parent is already gone."""
    parent, program = int(arguments[0]), arguments[1:]
    # A shell that starts us in the background ignores SIGINT, and exec hands that down.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGINT) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(125)
    os.execvp(program[0], program)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
