"""The commented file that a new environment starts from.

The texts are beside this module, one for each provider; a test holds each of them against the checks.
"""

import re
from importlib import resources
from pathlib import Path
from string import Template

from infra.environment import schema
from infra.environment.load import examine
from infra.environment.problems import InvalidEnvironment
from infra.errors import Refused

_NAME = re.compile(r"[a-z](-?[a-z0-9])*")
_NAME_LIMIT = 20


def write(directory: Path, name: str, provider: str, region: str) -> Path:
    """Write a starter into the folder of environments, and the schema for editors; returns the file.

    Raises `Refused` when the environment exists, and for a name or a region that the format doesn't allow;
    nothing is left behind then.
    """
    path = directory / f"{name}.yaml"
    content = text(name, provider, region)
    if path.exists():
        raise Refused(f"{path} exists already", hint="choose another name, or delete the file")
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    problems = examine(path).problems
    if problems:
        path.unlink()
        raise InvalidEnvironment(path, problems)
    schema_file = directory / "schema.json"
    if not schema_file.exists():
        schema_file.write_text(schema.text())
    return path


def text(name: str, provider: str, region: str) -> str:
    """A commented environment file; raises `Refused` for a name that the format doesn't allow."""
    if not _NAME.fullmatch(name) or len(name) > _NAME_LIMIT:
        raise Refused(
            f"{name} can't be an environment's name",
            hint="lower-case letters, digits and single hyphens, a letter first, 20 characters at most",
        )
    template = (resources.files("infra.environment.starters") / f"{provider}.yaml").read_text()
    return Template(template).substitute(name=name, region=region, schema="schema.json")
