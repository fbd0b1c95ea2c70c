"""The walls between the rooms, and the contract type that draws most of them."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.architecture.only_contract import OnlyContract


def test_contracts_hold(repository: Path) -> None:
    """Nothing imports what ARCHITECTURE.md forbids (the contracts are in .importlinter)."""
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("app.room", "app.room.inner", True),
        ("app.room.inner", "app.shared", True),
        ("app.room", "app.shared.part", True),
        ("app.room", "app.sharedness", False),
        ("app.room.inner", "app.other", False),
        ("app.other", "app.room", True),
        ("app.room", "json", True),
        ("app.room", "allowed", True),
        ("app.room", "surprise", False),
    ],
)
def test_only_contract_starts_closed(importer: str, imported: str, kept: bool) -> None:
    """What a room may import is listed; everything else is refused, a package made tomorrow included."""
    graph = grimp.ImportGraph()
    for module in {"app", "app.room", importer, imported}:
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported)
    contract = OnlyContract(
        name="only",
        session_options={"root_packages": ["app"]},
        contract_options={"importers": ["app.room"], "ours": ["app.shared"], "third_party": ["allowed"]},
    )
    assert contract.check(graph, verbose=False).kept is kept
