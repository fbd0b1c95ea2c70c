"""An llmctl in a process of its own, to be killed: prepares, plans and applies the stack of a run directory.

Arguments: run directory, bucket, key, region. Prints each event; exits like the CLI does.
"""

import os
import sys
from pathlib import Path

from infra.errors import LlmctlError
from infra.terraform.directory import RunDirectory
from infra.terraform.runner import Backend, Terraform


def main(root: str, bucket: str, key: str, region: str) -> int:
    """Apply, and tell the error if there is one."""
    directory = RunDirectory("tiny", root=Path(root))
    try:
        with Terraform(
            Path("none.yaml"),
            "tiny",
            os.environ,
            _say,
            directory=directory,
        ) as terraform:
            terraform.init(Backend(bucket, key, region))
            terraform.apply(terraform.plan())
    except LlmctlError as error:
        _say(f"{error.message}\n{error.hint}")
        return error.code
    return 0


def _say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
