"""Single values of a file change in place."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.environment.document import parse, read
from infra.environment.edit import edited, set_values
from infra.environment.load import load
from infra.environment.problems import InvalidEnvironment
from infra.errors import ExitCode, LlmctlError, Refused

TEXT = """\
# A comment at the top.
environment: sample
provider: {name: aws, region: us-east-1}
network:
  cidr: 10.20.0.0/16   # ours

endpoint:
  allow_cidrs:
    - 203.0.113.0/24   # the office
models:
  chat:
    source: hf://Qwen/Qwen2.5-7B-Instruct@a09a354
    engine:
      name: vllm
      version: v0.18.0          # as tested
      args:
        max-model-len: 8192     # fits

    instances: &gpu
      types: [g5.2xlarge, g6.2xlarge]
      zones: [us-east-1a, us-east-1b]
    replicas: {min: 2, max: 2}
    rollout:
      steps: [50, 100]
  french:
    source: hf://Qwen/Qwen2.5-7B-Instruct@a09a354
    engine: {name: vllm, version: "v0.18.0"}
    instances: *gpu
    replicas:
      min: 1
      max: 1"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A commented file, without a line end at its end."""
    path = tmp_path / "sample.yaml"
    path.write_text(TEXT)
    return path


def changed_lines(path: Path, values: dict[str, str]) -> list[str]:
    """Lines that are other ones afterwards, without those that went."""
    before = path.read_text().splitlines()
    set_values(path, values)
    return [line for line in path.read_text().splitlines() if line not in before]


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        ("models.chat.engine.version", "v0.19.0", "      version: v0.19.0          # as tested"),
        ("models.chat.engine.version", "0.10", '      version: "0.10"          # as tested'),
        ("models.chat.engine.version", "a # b", '      version: "a # b"          # as tested'),
        ("models.french.engine.version", "v1", '    engine: {name: vllm, version: "v1"}'),
        (
            "models.french.engine.image",
            "my/vllm",
            '    engine: {name: vllm, version: "v0.18.0", image: my/vllm}',
        ),
        ("models.chat.replicas.max", "5", "    replicas: {min: 2, max: 5}"),
        ("models.chat.rollout.steps", "[10, 100]", "      steps: [10, 100]"),
        ("models.chat.rollout.bake", "1m", "      bake: 1m"),
        ("models.chat.engine.args.seed", "3", "        seed: 3"),
        ("models.french.replicas.max", "4", "      max: 4"),
    ],
)
def test_only_the_value_changes(path: Path, place: str, value: str, line: str) -> None:
    """Comments, order, quotes and alignment are people's; nothing but the value is ours."""
    assert changed_lines(path, {place: value}) == [line]
    assert load(path)


def test_a_section_that_is_not_there_is_written(path: Path) -> None:
    """Where a key belongs is known, however deep; several changes are one edit."""
    values = {"models.chat.engine.env.MODE": "1", "models.french.spot.overprovision": "1", "protect": "true"}
    assert changed_lines(path, values) == [
        "      env:",
        '        MODE: "1"',
        "    spot:",
        "      overprovision: 1",
        "protect: true",
    ]
    environment = load(path)
    assert environment.models["chat"].engine.env == {"MODE": "1"}
    assert environment.protect


def test_what_others_share_is_not_touched(path: Path) -> None:
    """An anchor stands for several places, and only one was named."""
    with pytest.raises(Refused, match="something else would change with it") as raised:
        set_values(path, {"models.french.instances.disk_gib": "300"})
    assert "editor" in raised.value.hint
    assert path.read_text() == TEXT


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("models.chat.engine.args", "{x: 1}"),
        ("endpoint.allow_cidrs", "[10.0.0.0/8]"),
        ("environment.name", "x"),
        ("models.chat.engine.version", ""),
        ("models.chat.engine.version", "a\nb"),
        ("models.chat.replicas.max", "[1"),
        ("models.chat.replicas.max", "5, min: 0"),
    ],
)
def test_what_cannot_be_done_cleanly_is_refused(path: Path, place: str, value: str) -> None:
    """Half a change of a file is worse than none."""
    with pytest.raises(Refused):
        set_values(path, {place: value})
    assert path.read_text() == TEXT


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("models.chat.engine.verison", "v1", "unknown key verison"),
        ("models.chat.replicas.max", "1", "max"),
        ("models.chat.replicas.max", "many", "a whole number"),
    ],
)
def test_an_invalid_result_is_never_written(path: Path, place: str, value: str, told: str) -> None:
    """The file on disk is valid before and after, or the same."""
    with pytest.raises(InvalidEnvironment, match=told):
        set_values(path, {place: value})
    assert path.read_text() == TEXT


def test_an_edit_can_be_shown_and_taken_back(path: Path) -> None:
    """Whoever says no gets the file back byte for byte, with its permissions."""
    path.chmod(0o640)
    edit = edited(path, {"models.chat.engine.version": "v0.19.0"})
    assert path.read_text() == TEXT
    assert "-      version: v0.18.0          # as tested" in edit.diff.splitlines()
    assert "+      version: v0.19.0          # as tested" in edit.diff.splitlines()
    edit.write()
    assert load(path).models["chat"].engine.version == "v0.19.0"
    edit.undo()
    assert path.read_text() == TEXT
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(path.parent) == [path.name]


def test_somebody_elses_change_is_not_overwritten(path: Path) -> None:
    """An editor that saved meanwhile wins."""
    edit = edited(path, {"models.chat.engine.version": "v0.19.0"})
    path.write_text(TEXT + "\n# saved\n")
    with pytest.raises(LlmctlError, match="changed by somebody else") as raised:
        edit.write()
    assert raised.value.code is ExitCode.CONFLICT
    assert path.read_text().endswith("# saved\n")


def test_line_ends_of_another_system_stay(path: Path) -> None:
    """A file written on Windows doesn't become a mixture."""
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    set_values(path, {"models.chat.engine.version": "v0.19.0", "models.chat.rollout.bake": "1m"})
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")


@given(value=st.text(min_size=1).filter(lambda text: text.strip()))
@settings(deadline=None, max_examples=60)
def test_any_text_is_written_so_that_it_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    """Quoting is never the user's problem, or the change is refused."""
    path = tmp_path_factory.mktemp("any") / "sample.yaml"
    path.write_text(TEXT)
    place = ("models", "chat", "engine", "env", "ANY")
    try:
        after = edited(path, {".".join(place): value}).after
    except LlmctlError:
        return
    data = parse(path, after).data
    for part in place:
        data = data[part]
    quoted = value.strip()[0] in "'\""
    assert quoted or data in (value, value.strip())
    assert read(path).data != parse(path, after).data
