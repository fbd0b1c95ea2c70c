"""An import-linter contract that lists all that a room may import, instead of what it may not.

A list of forbidden packages lets every new package in; this one starts closed. It sees direct imports only:
chains are caught at the room where they leave their own list.
"""

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """`importers` may import each other, `ours`, and (if given) no third party but `third_party`.

    The standard library is always allowed. Without `third_party`, other distributions are not looked at.
    """

    type_name = "only"

    importers = fields.ListField(subfield=fields.StringField())
    ours = fields.ListField(subfield=fields.StringField())
    third_party = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Collect every import that leaves the lists."""
        rooms = _names(self.importers)
        found = [
            f"{importer} -> {imported}"
            for importer in sorted(graph.modules)
            if _inside(importer, rooms)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not self._allowed(imported, rooms)
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line an import."""
        for line in check.metadata["found"]:
            output.print_error(line)

    def _allowed(self, imported: str, rooms: list[str]) -> bool:
        if _inside(imported, self.session_options["root_packages"]):
            return _inside(imported, [*rooms, *_names(self.ours)])
        if self.third_party is None or imported.split(".")[0] in sys.stdlib_module_names:
            return True
        return _inside(imported, _names(self.third_party))


def _names(field: Any) -> list[str]:
    return [str(name) for name in field if name]


def _inside(module: str, packages: list[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
