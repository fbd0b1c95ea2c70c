"""Writes an environment's Terraform configuration, in a process of its own.

CDKTF starts a Node process when it is imported and keeps it: neither belongs into the CLI. The contract
with `python -m stacks`: LLMCTL_ENVIRONMENT is the path of the environment file, LLMCTL_OUT the folder to
write to; the result is LLMCTL_OUT/stacks/ENVIRONMENT/cdk.tf.json.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.errors import LlmctlError

_CONFIGURATION = "cdk.tf.json"
_SYNTH_SECONDS = 300


def synthesize(file: Path, name: str, out: Path, environment: Mapping[str, str]) -> Path:
    """Synthesise an environment file into `out`; return the stack's folder, which Terraform can run in.

    Raises `LlmctlError` with what the synthesis said when it fails.
    """
    stack = out / "stacks" / name
    out.mkdir(parents=True, exist_ok=True)
    (stack / _CONFIGURATION).unlink(missing_ok=True)
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "stacks"],
        env={
            **environment,
            "CHECKPOINT_DISABLE": "1",
            "LLMCTL_ENVIRONMENT": str(file.resolve()),
            "LLMCTL_OUT": str(out.resolve()),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SYNTH_SECONDS,
        check=False,
    )
    if ran.returncode != 0:
        raise LlmctlError(f"{file}: synthesis failed\n{(ran.stderr or ran.stdout).strip()}")
    if not (stack / _CONFIGURATION).is_file():
        raise LlmctlError(f"{file}: synthesis wrote no {stack / _CONFIGURATION}")
    return stack
