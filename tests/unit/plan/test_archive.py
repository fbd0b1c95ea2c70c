"""A plan in one file: written, read again, and refused where it isn't what it says."""

import hashlib
import stat
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from infra.errors import ExitCode, LlmctlError, Refused
from infra.plan.archive import Archive, Versions, read, refuse_if_moved, write
from infra.plan.report import PlanReport

NOW = datetime(2026, 11, 1, tzinfo=UTC)
VERSIONS = Versions(llmctl="1.0", terraform="1.12.0", provider="5.100.0")
REPORT = PlanReport(environment="shop", has_changes=True, counts={"create": 1})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run directory as a plan leaves it, an environment file, and what an older plan left."""
    assets = tmp_path / "stack" / "assets"
    (assets / "new").mkdir(parents=True)
    (assets / "old").mkdir()
    (assets / "new" / "agent.zip").write_bytes(b"agent")
    (assets / "old" / "agent.zip").write_bytes(b"older")
    (tmp_path / "stack" / "cdk.tf.json").write_text('{"source": "assets/new/agent.zip"}')
    (tmp_path / "stack" / "errored.tfstate").write_text("a state")
    (tmp_path / "plan").write_bytes(b"Terraform's")
    (tmp_path / "shop.yaml").write_text("environment: shop\n")
    return tmp_path


@pytest.fixture
def archive(folder: Path) -> Archive:
    """An archive that was written and read."""
    _write(folder)
    return read(folder / "shop.plan")


def _write(folder: Path, report: PlanReport = REPORT) -> str:
    return write(
        folder / "shop.plan",
        plan=folder / "plan",
        stack=folder / "stack",
        file=folder / "shop.yaml",
        report=report,
        versions=VERSIONS,
        now=NOW,
    )


def test_what_was_planned_is_what_is_applied(archive: Archive, tmp_path: Path) -> None:
    """The plan, the configuration and the files that it names; nothing that happened to lie beside them."""
    target = tmp_path / "elsewhere"
    archive.extract(target / "stack", tmp_path / "plan-2")
    assert (tmp_path / "plan-2").read_bytes() == b"Terraform's"
    assert {each.relative_to(target).as_posix() for each in target.rglob("*") if each.is_file()} == {
        "stack/cdk.tf.json",
        "stack/assets/new/agent.zip",
    }


def test_only_the_owner_reads_it(archive: Archive, tmp_path: Path) -> None:
    """A plan shows all of the infrastructure."""
    archive.extract(tmp_path / "x", tmp_path / "plan-2")
    for path in (archive.path, tmp_path / "plan-2"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_id_stands_for_exactly_one_plan(folder: Path) -> None:
    """The same plan has the same id at any time, another one another."""
    first = _write(folder)
    assert (_write(folder), read(folder / "shop.plan").id) == (first, first)
    assert _write(folder, replace(REPORT, counts={"create": 2})) != first


def test_what_is_no_plan_is_refused(tmp_path: Path) -> None:
    """Nothing, a text, and a zip of something else: each with a word on how to make one."""
    (tmp_path / "text").write_text("x")
    with zipfile.ZipFile(tmp_path / "zip", "w") as other:
        other.writestr("a", "b")
    for name in ("nothing", "text", "zip"):
        with pytest.raises(Refused) as refused:
            read(tmp_path / name)
        assert name in refused.value.message
        assert "plan --out" in refused.value.hint


@pytest.mark.parametrize("added", ["stack/more", "../outside", "plan.tfplan"])
def test_a_damaged_one_is_refused(archive: Archive, added: str) -> None:
    """A file too many, or one that isn't what it was."""
    files = {**archive.files, added: b"harm"}
    with zipfile.ZipFile(archive.path, "w") as out:
        out.writestr("manifest.json", msgspec.json.encode(archive.manifest))
        for name, content in files.items():
            out.writestr(name, content)
    with pytest.raises(Refused, match="damaged"):
        read(archive.path)


def test_a_name_that_leads_outside_is_refused(archive: Archive) -> None:
    """Also where whoever made the archive made its manifest too."""
    digests = {**archive.manifest.sha256, "stack/../../x": hashlib.sha256(b"harm").hexdigest()}
    manifest = msgspec.structs.replace(archive.manifest, sha256=digests)
    with zipfile.ZipFile(archive.path, "w") as out:
        out.writestr("manifest.json", msgspec.json.encode(manifest))
        for name, content in {**archive.files, "stack/../../x": b"harm"}.items():
            out.writestr(name, content)
    with pytest.raises(Refused, match="damaged"):
        read(archive.path)


def test_a_plan_of_this_file_and_these_versions_passes(archive: Archive, folder: Path) -> None:
    """Nothing moved."""
    refuse_if_moved(archive, name="shop", file=folder / "shop.yaml", versions=VERSIONS)


def test_a_file_that_moved_on_is_a_conflict(archive: Archive, folder: Path) -> None:
    """What was reviewed is not what the file says now."""
    (folder / "shop.yaml").write_text("environment: shop\ntags: {}\n")
    with pytest.raises(LlmctlError, match=r"shop\.yaml is not the file that was planned") as error:
        refuse_if_moved(archive, name="shop", file=folder / "shop.yaml", versions=VERSIONS)
    assert error.value.code is ExitCode.CONFLICT


def test_other_versions_are_a_conflict(archive: Archive, folder: Path) -> None:
    """Another llmctl would go on differently after the apply."""
    other = msgspec.structs.replace(VERSIONS, llmctl="1.1")
    with pytest.raises(LlmctlError, match=r"llmctl 1\.0, and this is llmctl 1\.1") as error:
        refuse_if_moved(archive, name="shop", file=folder / "shop.yaml", versions=other)
    assert error.value.code is ExitCode.CONFLICT


def test_a_plan_of_another_environment_is_refused(archive: Archive, folder: Path) -> None:
    """A mix-up of files in a pipeline."""
    with pytest.raises(Refused, match="plan of shop, not of store"):
        refuse_if_moved(archive, name="store", file=folder / "shop.yaml", versions=VERSIONS)
