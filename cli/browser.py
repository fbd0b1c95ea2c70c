"""Opens an address that holds a secret in the browser.

Not as an argument: every user of the machine may read a process's arguments. The browser gets a file that
only its user can read, and the file sends it on.
"""

import html
import webbrowser

from infra.paths import state_directory


def open_in_browser(url: str) -> None:
    """Open `url`; whether there is a browser, only its user sees."""
    folder = state_directory() / "dashboard"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    page = folder / "open.html"
    page.touch(mode=0o600)
    page.write_text(f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(url)}">\n')
    webbrowser.open(page.as_uri())
