"""The environment's name is its file's name: what people type and what AWS shows are then the same."""

from collections.abc import Iterator

from infra.environment import names
from infra.environment.checks.base import Finding, Rule, Subject

_ACCOUNT = "0" * 12
"""Any: names are compared."""


def _check(subject: Subject) -> Iterator[Finding]:
    name, path = subject.environment.environment, subject.document.path
    if name != path.stem:
        yield Finding(
            place=("environment",),
            what=f"{name} isn't the file's name",
            why="environments are found by file name, and resources are named after this key",
            allowed=path.stem,
            hint=f"write {path.stem}, or rename the file to {name}{path.suffix}",
        )
    region = subject.environment.provider.region
    if names.artefact_bucket(_ACCOUNT, name, region) == names.state_bucket(_ACCOUNT, region):
        yield Finding(
            place=("environment",),
            what=f"{name} is reserved",
            why="its bucket would be that of the Terraform states, and a destroy would empty it",
            allowed="any other name",
        )


RULE = Rule(
    id="name",
    summary="The environment is called like its file, and not like what is shared.",
    check=_check,
)
