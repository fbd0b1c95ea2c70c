"""Where the provider comes from, and what Terraform is told about it."""

from pathlib import Path

import pytest

from infra.errors import Refused
from infra.terraform.provider import Mirror, find_mirror, platform_name, settings
from infra.terraform.version import PROVIDER_VERSION
from modules.bindings.aws import VERSION

_TREE = Path("registry.terraform.io/hashicorp/aws")


def _unpacked(root: Path, version: str = PROVIDER_VERSION) -> Path:
    folder = root / _TREE / version / platform_name()
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_v{version}_x5").touch()
    return root


def _packed(root: Path) -> Path:
    folder = root / _TREE
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_{PROVIDER_VERSION}_{platform_name()}.zip").touch()
    return root


def _find(environment: dict[str, str], home: Path, *searched: Path) -> Mirror | None:
    isolated = {"HOME": str(home), "XDG_DATA_DIRS": str(home / "share"), **environment}
    return find_mirror(isolated, searched=searched)


def test_runner_and_bindings_agree_on_the_version() -> None:
    """Classes made from one schema must not be applied with another provider."""
    assert PROVIDER_VERSION == VERSION


def test_named_mirror(tmp_path: Path) -> None:
    """LLMCTL_PROVIDER_MIRROR comes before everything else."""
    _unpacked(tmp_path / "home/.terraform.d/plugins")
    named = _unpacked(tmp_path / "named")
    found = _find({"LLMCTL_PROVIDER_MIRROR": str(named)}, tmp_path / "home")
    assert found == Mirror(named, False, "LLMCTL_PROVIDER_MIRROR")


def test_named_mirror_must_have_the_provider(tmp_path: Path) -> None:
    """A named mirror with another version is refused, not passed over."""
    named = _unpacked(tmp_path / "named", "5.99.0")
    with pytest.raises(Refused, match=PROVIDER_VERSION):
        _find({"LLMCTL_PROVIDER_MIRROR": str(named)}, tmp_path)


@pytest.mark.parametrize(
    ("folder", "variables"),
    [
        ("home/.terraform.d/plugins", {}),
        ("home/.local/share/terraform/plugins", {}),
        ("data/terraform/plugins", {"XDG_DATA_HOME": "data"}),
        ("other/terraform/plugins", {"XDG_DATA_DIRS": "none:other"}),
    ],
)
def test_terraforms_own_directories(
    folder: str, variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every directory that Terraform itself would look into is found."""
    monkeypatch.chdir(tmp_path)
    root = _unpacked(tmp_path / folder)
    found = _find(variables, tmp_path / "home")
    assert found is not None
    assert found.path.resolve() == root


def test_a_tree_a_few_levels_down_is_found(tmp_path: Path) -> None:
    """An administrator's mirror under /opt is found wherever it is, within bounds."""
    root = _unpacked(tmp_path / "opt/a/b")
    found = _find({}, tmp_path / "home", tmp_path / "opt")
    assert found is not None
    assert found.path == root


def test_the_search_has_bounds(tmp_path: Path) -> None:
    """A deep file system is not walked."""
    _unpacked(tmp_path / "opt/a/b/c/d")
    assert _find({}, tmp_path / "home", tmp_path / "opt") is None


def test_a_mirror_of_another_version_is_passed_over(tmp_path: Path) -> None:
    """Only the pinned version counts."""
    _unpacked(tmp_path / "home/.terraform.d/plugins", "6.0.0")
    assert _find({}, tmp_path / "home") is None


def test_an_unpacked_mirror_is_the_only_source(tmp_path: Path) -> None:
    """Terraform gets a configuration file of ours, whatever the inherited one says, and no cache."""
    mirror = Mirror(tmp_path / "mirror", False, "")
    told = settings(mirror, {"TF_CLI_CONFIG_FILE": "/nonexistent"}, tmp_path)
    assert set(told) == {"TF_CLI_CONFIG_FILE"}
    text = Path(told["TF_CLI_CONFIG_FILE"]).read_text()
    assert f'path    = "{mirror.path}"' in text
    assert 'exclude = ["registry.terraform.io/hashicorp/aws"]' in text


def test_a_packed_mirror_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """675 MB are not unpacked for each environment: there is one cache for all."""
    monkeypatch.setenv("LLMCTL_CACHE_DIR", str(tmp_path / "cache"))
    root = _packed(tmp_path / "mirror")
    mirror = _find({"LLMCTL_PROVIDER_MIRROR": str(root)}, tmp_path)
    assert mirror is not None
    assert mirror.packed
    assert settings(mirror, {}, tmp_path)["TF_PLUGIN_CACHE_DIR"] == str(tmp_path / "cache/plugins")


def test_without_a_mirror_the_users_configuration_counts(tmp_path: Path) -> None:
    """It may name a mirror in the network, or credentials for one."""
    users = tmp_path / ".terraformrc"
    users.touch()
    environment = {"HOME": str(tmp_path), "TF_PLUGIN_CACHE_DIR": str(tmp_path / "cache")}
    told = settings(None, environment, tmp_path)
    assert told["TF_CLI_CONFIG_FILE"] == str(users)
    assert told["TF_PLUGIN_CACHE_DIR"] == str(tmp_path / "cache")


def test_an_inherited_configuration_that_is_not_there_is_replaced(tmp_path: Path) -> None:
    """Terraform warns about a configuration file that doesn't exist: it never sees that name."""
    environment = {
        "HOME": str(tmp_path),
        "TF_CLI_CONFIG_FILE": str(tmp_path / "none"),
        "TF_PLUGIN_CACHE_DIR": str(tmp_path / "cache"),
    }
    assert Path(settings(None, environment, tmp_path)["TF_CLI_CONFIG_FILE"]).read_text() == ""
