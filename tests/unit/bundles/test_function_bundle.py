"""What a function's zip carries: enough to run on Lambda, nothing that it needs not."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.bundles.archive import write_archive
from infra.bundles.function import function_bundle
from infra.waker import bundle as waker
from infra.watchdog import bundle as watchdog

_IMPORT = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(name + " is not in Lambda's runtime")

sys.meta_path.insert(0, Blocked())
sys.path.insert(0, {folder!r})
import {module} as module
assert module.__file__.startswith({folder!r}), module.__file__
assert callable(module.handle)
ours = [each.__file__ for name, each in sys.modules.items() if name.split(".")[0] == "infra"]
assert all(file.startswith({folder!r}) for file in ours), ours
"""
_NOT_IN_LAMBDA = {"msgspec", "click", "rich", "cdktf", "constructs", "jsonschema", "yaml", "aiohttp", "moto"}


@pytest.mark.parametrize("handler", [waker.HANDLER, watchdog.HANDLER])
def test_the_zip_is_enough(handler: str, tmp_path: Path) -> None:
    """With the zip and the SDK alone the handler can be imported, and everything of ours is from the zip."""
    module = handler.rpartition(".")[0]
    path = function_bundle("some", module, tmp_path)
    folder = str(tmp_path / "unpacked")
    zipfile.ZipFile(path).extractall(folder)
    script = _IMPORT.format(blocked=sorted(_NOT_IN_LAMBDA), folder=folder, module=module)
    ran = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr


def test_the_zip_is_byte_stable(tmp_path: Path) -> None:
    """The same sources give the same bytes: otherwise every plan would replace the function."""
    first, second = (watchdog.watchdog_bundle(tmp_path / name) for name in ("a", "b"))
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_the_zip_carries_no_more_than_it_needs(tmp_path: Path) -> None:
    """The model of environment files stays at home, and with it its library."""
    names = zipfile.ZipFile(watchdog.watchdog_bundle(tmp_path)).namelist()
    assert "infra/rollout/controller.py" in names
    assert not {"infra/environment/model.py", "infra/rollout/planning.py", "infra/deploy/types.py"} & {*names}
    assert not [name for name in names if name.startswith(("infra/embedded/", "infra/agent/", "cli/"))]


def test_data_travels_beside_the_modules(tmp_path: Path) -> None:
    """A function's own configuration is a part of its zip, and of the zip's name."""
    module = "infra.environment.slots"
    bare = function_bundle("f", module, tmp_path)
    told = function_bundle("f", module, tmp_path, data={"infra/told.json": b"{}"})
    assert bare.name != told.name
    assert {*zipfile.ZipFile(told).namelist()} - {*zipfile.ZipFile(bare).namelist()} == {"infra/told.json"}


def test_archives_know_no_time_and_no_order(tmp_path: Path) -> None:
    """What is packed later, in another order, on files of another age, has the same bytes."""
    write_archive(tmp_path / "a.zip", {"x": b"1", "y": b"2"})
    write_archive(tmp_path / "sub" / "b.zip", {"y": b"2", "x": b"1"})
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "sub" / "b.zip").read_bytes()
    assert os.listdir(tmp_path / "sub") == ["b.zip"]
