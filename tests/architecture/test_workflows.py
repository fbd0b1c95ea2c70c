"""The workflows call llmctl as it is, pin what they use, and give each job no more than it says it needs."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from cli.app import llmctl
from infra.ci.reviewed import Wanted

_ROOT = Path(__file__).parents[2]
_FILES = [
    *sorted((_ROOT / ".github").rglob("*.yml")),
    *sorted((_ROOT / "examples" / "ci").glob("*.yml")),
]
_WORKFLOWS = [path for path in _FILES if path.parent.name == "workflows"]


@dataclass(frozen=True)
class Call:
    """One call of llmctl in a script."""

    file: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}: llmctl {' '.join(self.words)}"


def _scripts(document: Any) -> Iterator[str]:
    """Every script: `run` on GitHub; `script` and `before_script`, lists of lines, on GitLab."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "run" and isinstance(value, str):
                yield value
            elif key in ("script", "before_script"):
                yield "\n".join(value)
            else:
                yield from _scripts(value)
    elif isinstance(document, list):
        for each in document:
            yield from _scripts(each)


def _calls_in(script: str, file: str) -> Iterator[Call]:
    """The calls, with the options that a script adds by an array or a default in their place."""
    added = " ".join(re.findall(r"arguments\+=\((.+?)\)", script))
    script = script.replace('"${arguments[@]}"', added).replace("\\\n", " ")
    script = re.sub(r"\$\{\w+:\+([^}]+)\}", r"\1", script)
    for line in script.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in (*lexer, ";"):
            if not set(word) <= set(";|&<>()"):
                words.append(word)
                continue
            if "llmctl" in words:
                yield Call(file, tuple(words[words.index("llmctl") + 1 :]))
            words = []


def _calls() -> list[Call]:
    found: list[Call] = []
    for path in _FILES:
        for script in _scripts(YAML(typ="safe").load(path)):
            found += _calls_in(script, path.relative_to(_ROOT).as_posix())
    return found


def _problem(words: tuple[str, ...]) -> str | None:
    """What is wrong with a call, or None."""
    command: click.Command = llmctl
    context, rest = click.Context(llmctl), list(words)
    path: list[str] = []
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        path.append(rest.pop(0))
        found = command.get_command(context, path[-1])
        if found is None:
            return f"there is no `llmctl {' '.join(path)}`"
        command = found
    known = {name: each for each in command.params for name in (*each.opts, *each.secondary_opts)}
    options = [word for word in rest if re.match(r"--?[a-z]", word)]
    for option in options:
        if option not in known:
            return f"`llmctl {' '.join(path)}` has no {option}"
    given = {id(known[option]) for option in options if option in known}
    for each in command.params:
        if isinstance(each, click.Option) and each.required and id(each) not in given:
            return f"`llmctl {' '.join(path)}` needs {each.opts[0]}"
    return None


@pytest.mark.parametrize("call", _calls(), ids=str)
def test_calls_exist(call: Call) -> None:
    """A renamed option would be noticed by a deploy that fails, weeks later: it is noticed here."""
    assert _problem(call.words) is None


def test_the_check_sees() -> None:
    """The check is worth something: it finds calls as scripts have them, and what is wrong with them."""
    script = 'x=0; llmctl plan --env "$E" > a || x=$?\nif y; then llmctl ci comment \\\n  --body a; fi'
    first, second = _calls_in(script, "f")
    assert first.words == ("plan", "--env", "$E")
    assert _problem(first.words) is None
    assert _problem(second.words) == "`llmctl ci comment` needs --env"
    assert _problem(("plan", "--env", "x", "--no-such")) == "`llmctl plan` has no --no-such"
    assert _problem(("no-such",)) == "there is no `llmctl no-such`"


def test_every_workflow_is_looked_at() -> None:
    """The parser must not quietly find nothing: each of these calls llmctl."""
    silent = {"ci.yml", "release.yml"}
    called = {Path(call.file).name for call in _calls()}
    assert {path.name for path in _WORKFLOWS} - silent <= called
    assert "llmctl.gitlab-ci.yml" in called


def _actions() -> list[tuple[str, str]]:
    pattern = re.compile(r"^\s*-? ?uses: (.+)$", re.MULTILINE)
    return [(path.name, uses) for path in _FILES for uses in pattern.findall(path.read_text())]


@pytest.mark.parametrize(("file", "uses"), _actions())
def test_actions_are_pinned(file: str, uses: str) -> None:
    """A tag can be moved to other code; a commit can't. One action has one version everywhere."""
    if uses.startswith("$/"):
        return
    assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", uses)
    name = uses.partition("@")[0]
    assert {other for _, other in _actions() if other.startswith(f"{name}@")} == {uses}


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.name)
def test_jobs_have_least_rights_and_an_end(path: Path) -> None:
    """No job inherits a right or runs for six hours because nobody said anything."""
    workflow = YAML(typ="safe").load(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "permissions" in job
        assert job["timeout-minutes"] <= 350
        # Who may act in AWS as the apply role stands behind a GitHub environment.
        if "LLMCTL_APPLY_ROLE" in str(job):
            assert job["environment"]


@pytest.mark.parametrize("path", _WORKFLOWS, ids=lambda path: path.name)
def test_nobodys_text_becomes_code(path: Path) -> None:
    """What people type reaches scripts by variables only: an expression in a script would run it."""
    for script in _scripts(YAML(typ="safe").load(path)):
        assert "${{" not in script


@pytest.mark.parametrize("name", ["deploy", "upgrade", "destroy"])
def test_one_change_of_an_environment_at_a_time(name: str) -> None:
    """Whatever changes an environment shares a group with the others, and is never cut off in the middle."""
    [path] = [path for path in _WORKFLOWS if path.stem == name]
    jobs = YAML(typ="safe").load(path)["jobs"]
    acting = [job for job in jobs.values() if "environment" in job]
    assert acting
    for job in acting:
        group = job["concurrency"]["group"]
        assert re.fullmatch(r"llmctl-\$\{\{ (matrix|inputs)\.environment \}\}", group)
        assert job["concurrency"]["cancel-in-progress"] is False


def test_deploys_look_for_what_plans_leave() -> None:
    """The archive's name is in the workflow that keeps it and in the command that finds it."""
    matrix = "${{ matrix.environment }}"
    wanted = Wanted(environment=matrix, commit="", branch="")
    [path] = [path for path in _WORKFLOWS if path.name == wanted.workflow]
    steps = YAML(typ="safe").load(path)["jobs"]["plan"]["steps"]
    [upload] = [each["with"] for each in steps if "upload-artifact" in each.get("uses", "")]
    assert (upload["name"], upload["path"]) == (wanted.artifact, wanted.file)
