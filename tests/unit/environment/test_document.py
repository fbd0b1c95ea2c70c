"""YAML with positions."""

from pathlib import Path

import pytest

from infra.environment.document import Document, read
from infra.environment.problems import InvalidEnvironment


def document(folder: Path, text: str) -> Document:
    """Read the text as a file."""
    path = folder / "file.yaml"
    path.write_text(text)
    return read(path)


def test_positions_of_keys_and_values(tmp_path: Path) -> None:
    """An editor jumps to the right character, in block and in flow style."""
    found = document(tmp_path, "a:\n  b: [1, {c: 2}]\n")
    assert found.data == {"a": {"b": [1, {"c": 2}]}}
    assert found.position(("a", "b"), key=True) == (2, 3)
    assert found.position(("a", "b", 1, "c"), key=True) == (2, 11)
    assert found.position(("a", "b", 1, "c")) == (2, 14)


def test_something_absent_is_placed_at_its_parent(tmp_path: Path) -> None:
    """A message about a missing key points at the section that misses it."""
    found = document(tmp_path, "x: 1\na:\n  b: 1\n")
    assert found.position(("a", "z", "deeper")) == (2, 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("true", True),
        ("2024-01-01", "2024-01-01"),
        ("0x1F", 31),
        ("012", 12),
        ("1_000", 1000),
        ("7.6e9", 7.6e9),
        ("~", None),
        ("v0.18.0", "v0.18.0"),
        ("${api-key}", "${api-key}"),
    ],
)
def test_scalars_are_yaml_1_2(tmp_path: Path, text: str, value: object) -> None:
    """Words stay words: only true and false are truth values, and dates are text."""
    assert document(tmp_path, f"key: {text}\n").data == {"key": value}


def test_the_written_text_of_a_number_is_kept(tmp_path: Path) -> None:
    """The hint for a version can quote 0.10, although YAML has made it 0.1."""
    assert document(tmp_path, "version: 0.10\n").texts[("version",)] == "0.10"


def test_merge_keys(tmp_path: Path) -> None:
    """A section can take another's keys; its own win, and errors point at where a key was written."""
    found = document(tmp_path, "base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\n")
    assert found.data["more"] == {"x": 1, "y": 3}
    assert found.position(("more", "x"), key=True).line == 1
    assert found.position(("more", "y"), key=True).line == 4


def test_merge_keys_of_what_was_merged(tmp_path: Path) -> None:
    """A section that took another's keys hands them on; the nearest wins."""
    text = "base: &b {x: 1, y: 2}\nmore: &m\n  <<: *b\n  y: 3\n  z: 4\nmost:\n  <<: *m\n  z: 5\n"
    found = document(tmp_path, text)
    assert found.data["most"] == {"x": 1, "y": 3, "z": 5}
    assert found.position(("most", "x"), key=True).line == 1


@pytest.mark.parametrize(
    "text",
    ["a: &a [*a]\n", "a: &a {b: *a}\n", "a: &a {<<: *a}\n", "a: &a {<<: &b {<<: *a}}\n", "<<: &b {<<: *b}\n"],
)
def test_an_anchor_in_itself_ends(tmp_path: Path, text: str) -> None:
    """A file can't make the reader recurse for ever."""
    with pytest.raises(InvalidEnvironment):
        document(tmp_path, text)


def test_a_bomb_of_aliases_ends(tmp_path: Path) -> None:
    """A small file can't grow to billions of values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InvalidEnvironment, match="far too much"):
        document(tmp_path, "\n".join(lines))


def test_a_missing_file_and_a_binary_one(tmp_path: Path) -> None:
    """What can't be read is refused like any other bad file, and not with a traceback."""
    with pytest.raises(InvalidEnvironment, match="No such file"):
        read(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidEnvironment, match="UTF-8"):
        read(tmp_path / "binary.yaml")


def test_infinity_is_no_number(tmp_path: Path) -> None:
    """Numbers can be counted with."""
    assert [problem.line for problem in document(tmp_path, "a: 1\nb: .inf\n").problems] == [2]
