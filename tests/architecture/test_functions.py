"""What runs in the cloud as a function must not need what only this application's environment has."""

import subprocess
import sys
from pathlib import Path

_BLOCKED = ("msgspec", "click", "rich", "aiohttp", "cdktf", "jsonschema", "moto")
_SCRIPT = """
import importlib, pkgutil, sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
import infra.aws, infra.rollout
found = [f"infra.rollout.{each.name}" for each in pkgutil.iter_modules(infra.rollout.__path__)]
found += [f"infra.aws.{each.name}" for each in pkgutil.iter_modules(infra.aws.__path__)]
for module in found:
    if module.startswith(("infra.rollout.", "infra.aws.rollout_")) and module != "infra.rollout.planning":
        importlib.import_module(module)
"""


def test_rollouts_are_driven_without_the_environment_model(repository: Path) -> None:
    """Policy, controller and adapters import in a function's runtime: the standard library and the SDK."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, ",".join(_BLOCKED)],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
