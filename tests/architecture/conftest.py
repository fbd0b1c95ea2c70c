"""Where the repository is; these tests look at files, not at behaviour."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the working tree."""
    return Path(__file__).parents[2]
