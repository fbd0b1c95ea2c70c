"""What `cdktf synth` and `llmctl synth` run: environment files -> Terraform's configuration.

LLMCTL_ENVIRONMENT is the path of an environment file, or the name of one in `environments/`; without it,
every file there becomes a stack. LLMCTL_OUT is the folder to write to; without it, what the cdktf CLI says.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.agent.bundle import agent_bundle
from infra.environment.load import load
from infra.errors import LlmctlError
from infra.paths import cache_directory
from modules.state.artefacts import AgentFile
from stacks.app import build

_FOLDER = Path("environments")


def main(variables: Mapping[str, str]) -> int:
    """Write the stacks; returns the exit status."""
    try:
        environments = [load(path) for path in files(variables.get("LLMCTL_ENVIRONMENT"))]
        out = variables.get("LLMCTL_OUT")
        bundle = agent_bundle(cache_directory())
        app = build(environments, agent=AgentFile(bundle.path, bundle.sha256), out=Path(out) if out else None)
    except LlmctlError as error:
        sys.stderr.write(f"{error.message}\n" + (f"{error.hint}\n" if error.hint else ""))
        return int(error.code)
    app.synth()
    return 0


def files(environment: str | None) -> list[Path]:
    """The environment files to synthesise; raises `LlmctlError` when there is none."""
    if environment is None:
        found = sorted(_FOLDER.glob("*.yaml"))
        if not found:
            raise LlmctlError(f"no environment file in {_FOLDER}/", hint="set LLMCTL_ENVIRONMENT")
        return found
    path = Path(environment)
    return [path if path.suffix in (".yaml", ".yml") else _FOLDER / f"{environment}.yaml"]


if __name__ == "__main__":
    sys.exit(main(os.environ))
