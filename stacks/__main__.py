"""What `cdktf synth` and `llmctl synth` run: environment files -> Terraform's configuration.

LLMCTL_ENVIRONMENT is the path of an environment file, or the name of one in `environments/`; without it,
every file there becomes a stack. LLMCTL_OUT is the folder to write to; without it, what the cdktf CLI says.
With LLMCTL_GITHUB, a repository, the stack is that of the environment's roles for its jobs.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from cdktf import App

from infra.agent.bundle import agent_bundle
from infra.environment.github import repository
from infra.environment.load import files, find, load
from infra.errors import LlmctlError, Refused
from infra.paths import cache_directory
from modules.state.artefacts import AgentFile
from stacks.app import build, build_roles


def main(variables: Mapping[str, str]) -> int:
    """Write the stacks; returns the exit status."""
    try:
        app = _app(variables)
    except LlmctlError as error:
        sys.stderr.write(f"{error.message}\n" + (f"{error.hint}\n" if error.hint else ""))
        return int(error.code)
    app.synth()
    return 0


def _app(variables: Mapping[str, str]) -> App:
    environments = [load(path) for path in _files(variables.get("LLMCTL_ENVIRONMENT"))]
    out = Path(variables["LLMCTL_OUT"]) if variables.get("LLMCTL_OUT") else None
    if name := variables.get("LLMCTL_GITHUB"):
        [environment] = environments
        return build_roles(environment, repository(name), out=out)
    bundle = agent_bundle(cache_directory())
    return build(environments, agent=AgentFile(bundle.path, bundle.sha256), out=out)


def _files(environment: str | None) -> list[Path]:
    if environment is not None:
        return [find(environment)]
    found = files()
    if not found:
        raise Refused("there are no environment files", hint="set LLMCTL_ENVIRONMENT, or run `llmctl init`")
    return found


if __name__ == "__main__":
    sys.exit(main(os.environ))
