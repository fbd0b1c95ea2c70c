"""What a quick command loads. Each of these libraries costs more than the command itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.app import COMMANDS

_HEAVY = {"aiohttp", "boto3", "botocore", "cdktf", "constructs", "flask", "jsii", "moto", "openai"}
_ONLY_TO_VALIDATE = {"jsonschema", "ruamel"}
_REPORT_MODULES = """
import sys
from cli.app import run
code = run(sys.argv[1:])
print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
sys.exit(code)
"""


def _loaded_by(repository: Path, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _REPORT_MODULES, *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_loads_nothing_heavy(repository: Path, command: str | None) -> None:
    """Help appears at once: it may load neither a cloud's SDK nor CDKTF nor a validator."""
    arguments = [command, "--help"] if command else ["--help"]
    assert _loaded_by(repository, *arguments) & (_HEAVY | _ONLY_TO_VALIDATE) == set()


def test_validate_loads_neither_sdk_nor_cdktf(repository: Path) -> None:
    """Validation is for editors and hooks: it reads a file and must not pay for what acts on it."""
    assert _loaded_by(repository, "validate", "environments/staging.yaml") & _HEAVY == set()
