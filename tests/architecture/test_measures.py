"""The documented JSON of `llmctl metrics` is what the command prints."""

import re
from pathlib import Path

from infra.metrics.summary import MEASURES


def test_measures_are_documented(repository: Path) -> None:
    """Programs rely on these names: the table has each of them, in order, and no other."""
    text = (repository / "docs" / "observing.md").read_text()
    assert re.findall(r"^\| `(\w+)` \| ", text, re.MULTILINE) == list(MEASURES)
