"""Makes docs/images/plan-comment.png from a real plan, as a pull request would show it.

    llmctl plan --env NAME --markdown > plan.md
    python -m examples.plan_comment plan.md

Needs Chromium on the PATH and the `dev` extra.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

from examples.screenshots import BROWSERS, FLAGS, IMAGES, LARGEST

WIDTH = 900
STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 16px; color: #1f2328 }
main { border: 1px solid #d1d9e0; border-radius: 6px; padding: 0 16px 12px }
code, pre { font: 12px ui-monospace, monospace; background: #f6f8fa; border-radius: 6px }
pre { padding: 8px; overflow: hidden } code { padding: 2px 4px }
table { border-collapse: collapse } td, th { border: 1px solid #d1d9e0; padding: 4px 10px }
blockquote { border-left: 4px solid #d1242f; margin: 0 0 12px; padding: 0 12px }
blockquote b { color: #d1242f }
"""


def main() -> None:
    """Render the file that was named, and take its picture."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None or len(sys.argv) != 2:
        sys.exit(__doc__)
    page = as_page(Path(sys.argv[1]).read_text())
    target = IMAGES / "plan-comment.png"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "comment.html"
        file.write_text(page)
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        shown = browser.new_page(viewport={"width": WIDTH, "height": 400})
        shown.goto(file.as_uri())
        shown.screenshot(path=target, full_page=True)
        browser.close()
    if target.stat().st_size > LARGEST:
        sys.exit(f"{target} is larger than {LARGEST} bytes")


def as_page(comment: str) -> str:
    """The comment as GitHub would show it, as far as it uses Markdown; alerts are GitHub's own."""
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(comment)
    body = re.sub(r"\[!CAUTION\]\s*", "<b>Caution</b><br>", body)
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><main>{body}</main>"


if __name__ == "__main__":
    main()
