"""Prints the AWS provider's version and its own schema, as `terraform providers schema -json` tells it.

A program, not a library: the generator of the bindings may not import this room, so it reads what
`python -m infra.terraform.schema` prints.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from infra.errors import LlmctlError
from infra.terraform.find import find_executable
from infra.terraform.provider import find_mirror, settings
from infra.terraform.version import PROVIDER_VERSION

_SECONDS = 300


def provider_schema(environment: Mapping[str, str]) -> str:
    """The schema as JSON; raises `LlmctlError` when there is no Terraform, or no provider."""
    executable = find_executable(environment)
    mirror = find_mirror(environment)
    required = {"aws": {"source": "hashicorp/aws", "version": PROVIDER_VERSION}}
    with tempfile.TemporaryDirectory(prefix="llmctl-schema-") as name:
        folder = Path(name)
        variables = {**environment, **settings(mirror, environment, folder), "CHECKPOINT_DISABLE": "1"}
        (folder / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": required}}))

        def terraform(*arguments: str) -> str:
            ran = subprocess.run(
                [*executable.command, *arguments],
                cwd=folder,
                env=variables,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
            if ran.returncode != 0:
                raise LlmctlError(f"terraform {arguments[0]} failed\n{(ran.stderr or ran.stdout).strip()}")
            return ran.stdout

        terraform("init", "-backend=false", "-input=false", "-no-color")
        return terraform("providers", "schema", "-json")


def main() -> int:
    """Print {"version": ..., "schema": ...}, or on stderr why not."""
    try:
        schema = provider_schema(os.environ)
    except LlmctlError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return int(error.code)
    sys.stdout.write(f'{{"version": "{PROVIDER_VERSION}", "schema": {schema}}}')
    return 0


if __name__ == "__main__":
    sys.exit(main())
