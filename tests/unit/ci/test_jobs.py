"""What a job is told by its code host."""

import json
from pathlib import Path

import pytest

from infra.ci.jobs import base_commit, github_job, set_output
from infra.errors import Refused


def _push(folder: Path, before: str) -> dict[str, str]:
    (folder / "event.json").write_text(json.dumps({"before": before}))
    return {"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(folder / "event.json")}


def test_bases(tmp_path: Path) -> None:
    """A pull request is compared with its base, a push with what was there, a schedule with nothing."""
    assert base_commit({"GITHUB_EVENT_NAME": "pull_request"}) == "HEAD^1"
    assert base_commit(_push(tmp_path, "abc")) == "abc"
    assert base_commit(_push(tmp_path, "0" * 40)) is None
    assert base_commit({"GITHUB_EVENT_NAME": "schedule"}) is None
    assert base_commit({"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "def"}) == "def"
    assert base_commit({"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": "0" * 40}) is None


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REPOSITORY"])
def test_what_is_missing_is_named(missing: str) -> None:
    """Outside of a job, or without the token passed on, the variable's name is the answer."""
    variables = {"GITHUB_TOKEN": "x", "GITHUB_REPOSITORY": "o/r", missing: ""}
    with pytest.raises(Refused, match=missing):
        github_job(variables)


def test_outputs(tmp_path: Path) -> None:
    """Outputs are added to what other commands of the step wrote; a value can't smuggle in another one."""
    path = tmp_path / "output"
    path.write_text("first=1\n")
    set_output({"GITHUB_OUTPUT": str(path)}, "environments", '["a"]')
    set_output({"GITHUB_OUTPUT": str(path)}, "environments", "x\nother=1")
    set_output({}, "environments", "[]")
    assert path.read_text() == 'first=1\nenvironments=["a"]\n'
