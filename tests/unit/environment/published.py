"""Published cases of models on GPUs, and llmctl's verdict on each.

`python -m tests.unit.environment.published` writes the table into docs/fit.md; a test holds the two together.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from ruamel.yaml import YAML

from infra.environment.load import examine
from tests.unit.environment.builders import changed

PAGE = Path(__file__).parents[3] / "docs" / "fit.md"
DATA = Path(__file__).with_name("published_fits.yaml")
BEGIN, END = "<!-- table: published -->\n", "<!-- end of table -->\n"

Verdict = Literal["fits", "out-of-memory"]


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model on an instance type, with what its source says became of it."""

    model: str
    on: str
    engine: str
    """Name and version."""
    published: Verdict
    source: str
    note: str
    args: dict[str, Any] = {}
    facts: dict[str, Any] | None = None
    file: str = ""
    ours: Verdict | None = None
    """Where the check says otherwise."""
    because: str = ""

    @property
    def expected(self) -> Verdict:
        """What the check says of it."""
        return self.ours or self.published


def cases() -> tuple[Case, ...]:
    """All of them, in the file's order."""
    return msgspec.convert(YAML(typ="safe").load(DATA), tuple[Case, ...])


def verdict(case: Case) -> Verdict:
    """What the check says of a case, asked by a whole environment file as people write them."""
    engine, version = case.engine.split()
    source = "/".join(filter(None, (case.model, case.file)))
    data = changed(
        ("models/chat/source", f"hf://{source}@0123abc"),
        ("models/chat/engine", {"name": engine, "version": version, "args": case.args}),
        ("models/chat/instances/types", [case.on]),
        *((("models/chat/architecture", case.facts),) if case.facts else ()),
    )
    found = examine(Path("sample.yaml"), msgspec.json.encode(data).decode())
    others = [each for each in found.problems if each.rule != "fit"]
    assert not others, f"{case.model} on {case.on}: {others}"
    return "out-of-memory" if found.problems else "fits"


def table() -> str:
    """The cases as Markdown, with what differs told below."""
    head = "| model | on | engine | published | llmctl | note |\n|---|---|---|---|---|---|\n"
    rows = "".join(
        f"| {case.file or case.model} | {case.on} | {_engine(case)} | [{case.published}]({case.source}) "
        f"| {_ours(case)} | {case.note} |\n"
        for case in cases()
    )
    return head + rows + "\n" + "\n".join(_differences()) + "\n"


def page(text: str) -> str:
    """The page with the table of today."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]


def _engine(case: Case) -> str:
    args = ", ".join(f"{name} {value}" for name, value in case.args.items())
    return case.engine + (f": {args}" if args else "")


def _ours(case: Case) -> str:
    return "the same" if case.ours is None else f"**{case.ours}**"


def _differences() -> Iterator[str]:
    all_cases = cases()
    wrong = [case for case in all_cases if case.ours]
    same = len(all_cases) - len(wrong)
    yield f"The verdict is the published one in {same} of {len(all_cases)} cases. Where it isn't:\n"
    for case in wrong:
        yield f"* {case.model} on {case.on}: {case.because}."


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
