"""Opening the local page in a browser."""

import webbrowser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cli.browser import open_in_browser


def test_the_token_is_in_a_private_file_and_not_in_an_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser's arguments are visible to all users of the machine; the file is only its user's."""
    opened: list[str] = []
    monkeypatch.setenv("LLMCTL_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(webbrowser, "open", opened.append)
    open_in_browser("http://127.0.0.1:1234/secret/")
    [address] = opened
    assert "secret" not in address
    page = Path(urlsplit(address).path)
    assert "url=http://127.0.0.1:1234/secret/" in page.read_text()
    assert page.stat().st_mode & 0o077 == 0
