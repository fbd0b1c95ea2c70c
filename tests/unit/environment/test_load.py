"""Finding and loading environment files."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.environment.load import environments_directory, files, find, load
from infra.errors import Refused
from tests.unit.environment.builders import VALID, examined

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two environments and a deep folder."""
    monkeypatch.delenv("LLMCTL_ENVIRONMENTS", raising=False)
    (tmp_path / "environments").mkdir()
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    for name in ("staging", "production"):
        (tmp_path / "environments" / f"{name}.yaml").write_text("environment: x\n")
    return tmp_path


def test_an_environment_is_found_from_anywhere_in_the_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest `environments/` upwards counts."""
    monkeypatch.chdir(project / "deep" / "deeper")
    assert find("staging") == project / "environments" / "staging.yaml"


def test_paths_are_shown_relative_to_here(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages carry the short path that a person would type."""
    monkeypatch.chdir(project)
    assert find("staging") == Path("environments/staging.yaml")
    assert [path.stem for path in files()] == ["production", "staging"]


def test_a_path_is_a_path(project: Path) -> None:
    """Something that looks like a file is one, and is not searched for."""
    path = project / "environments" / "staging.yaml"
    assert find(str(path)) == path
    with pytest.raises(Refused, match="there is no file"):
        find(str(project / "none.yaml"))


def test_the_folder_can_be_configured(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`LLMCTL_ENVIRONMENTS` overrides the search."""
    monkeypatch.setenv("LLMCTL_ENVIRONMENTS", str(project / "environments"))
    monkeypatch.chdir("/")
    assert environments_directory() == project / "environments"
    assert find("production").is_file()


def test_a_misspelled_name_gets_a_suggestion(project: Path) -> None:
    """The nearest name is suggested; without one, all are listed."""
    with pytest.raises(Refused) as near:
        find("stagin", project / "environments")
    assert near.value.hint == "did you mean staging?"
    with pytest.raises(Refused) as far:
        find("zzz", project / "environments")
    assert far.value.hint == "there are: production, staging"


def test_no_environment_at_all(tmp_path: Path) -> None:
    """An empty project is told how to begin."""
    with pytest.raises(Refused) as raised:
        find("chat", tmp_path)
    assert "llmctl init chat" in raised.value.hint


def test_a_valid_file_loads(tmp_path: Path) -> None:
    """The typed model holds what the file says, and defaults for the rest."""
    found = examined(tmp_path)
    assert found.environment is not None
    assert found.environment == load(tmp_path / "sample.yaml")
    assert found.environment.models["chat"].replicas.max == VALID["models"]["chat"]["replicas"]["max"]
    assert found.environment.models["chat"].spot.on_demand_base == 0


def test_errors_are_sorted_by_position(tmp_path: Path) -> None:
    """People fix a file from top to bottom, whichever check found what."""
    found = examined(
        tmp_path,
        ("models/chat/replicas/min", 9),
        ("models/chat/rollout", {"steps": [10]}),
        ("network/cidr", "10.0.0.0/8"),
        ("provider/account", "1"),
    )
    assert found.environment is None
    assert [each.rule for each in found.problems] == ["account", "network", "replicas", "rollout"]
    assert [each.line for each in found.problems] == sorted(each.line for each in found.problems)


def test_a_good_file_loads_without_jsonschema() -> None:
    """Loading stays fast: the slow validator is only needed to explain what is wrong."""
    code = (
        "import sys; from pathlib import Path; from infra.environment.load import load;"
        f"load(Path({str(ROOT / 'environments' / 'production.yaml')!r}));"
        "sys.exit(any(name in sys.modules for name in ('jsonschema', 'boto3', 'cdktf', 'rich', 'click')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
