"""Packs a function: its handler's module and whatever of ours that imports; Lambda's runtime has the SDK.

What a function carries is read from its imports, so a module that is moved or split is not forgotten. What
only a type checker imports stays at home. Third parties are not packed: the walls between the rooms
(.importlinter) say which ones a function may use.
"""

import ast
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from infra.bundles.archive import write_archive

_OURS = "infra"
_ROOT = Path(__file__).parents[2]


def function_bundle(name: str, module: str, cache: Path, *, data: Mapping[str, bytes] | None = None) -> Path:
    """A function's zip in `cache`, named by its content. `data`: files beside the modules, by their paths."""
    files = {path.relative_to(_ROOT).as_posix(): path.read_bytes() for path in _sources(module)}
    files |= data or {}
    digest = sha256()
    for each, content in sorted(files.items()):
        digest.update(f"{each} {len(content)}\n".encode() + content)
    path = cache / f"{name}-{digest.hexdigest()[:16]}.zip"
    if not path.is_file():
        write_archive(path, files)
    return path


def _sources(module: str) -> set[Path]:
    """Files of a module, of what it imports of ours, and of the packages around them all."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        for path in _files(waiting.pop()):
            if path not in found:
                found.add(path)
                waiting += _imports(ast.parse(path.read_bytes(), str(path)))
    return found


def _files(name: str) -> Iterator[Path]:
    """The packages' files on the way to a module, and its own; nothing more for a name inside a module."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        place = _ROOT.joinpath(*parts[:end])
        if (place / "__init__.py").is_file():
            yield place / "__init__.py"
        elif place.with_suffix(".py").is_file():
            yield place.with_suffix(".py")


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            # A name may be a module of the package.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and _is_for_type_checkers(node.test):
            continue
        else:
            yield from _imports(node)


def _is_ours(module: str) -> bool:
    return module.split(".")[0] == _OURS


def _is_for_type_checkers(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"
