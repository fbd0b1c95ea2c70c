"""The scripts of the shipped workflows, to be run as GitHub runs them."""

from pathlib import Path

from ruamel.yaml import YAML

_GITHUB = Path(__file__).parents[2] / ".github"
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell"""


def step(workflow: str, job: str, calls: str) -> str:
    """The script of the one step of a job that contains `calls`."""
    return _script(_GITHUB / "workflows" / f"{workflow}.yml", ("jobs", job), calls)


def action(name: str) -> str:
    """The script of a composite action."""
    return _script(_GITHUB / "actions" / name / "action.yml", ("runs",), "")


def _script(file: Path, place: tuple[str, ...], calls: str) -> str:
    found = YAML(typ="safe").load(file)
    for key in place:
        found = found[key]
    [script] = [each["run"] for each in found["steps"] if "run" in each and calls in each["run"]]
    return str(script)
