"""Makes docs/images/ from the real thing: the local page of an environment under load, in a headless browser.

    llmctl deploy --env local
    python examples/screenshots.py

Needs Chromium on the PATH and the `dev` extra. Load runs all the time: the charts need something to show.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

LLMCTL = str(Path(sys.executable).parent / "llmctl")
IMAGES = Path(__file__).parents[1] / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
PICTURES = {"dashboard": (1280, 1000), "dashboard-phone": (390, 844)}
"""Width and height of each."""
LARGEST = 200_000
"""Bytes of a picture: all are kept in the repository."""


def main() -> None:
    """Load the environment, serve the page, take the pictures."""
    options = arguments()
    with load(options.env, options.model, options.rate), page_of(options.env, options.since) as url:
        show(f"load for {options.seconds} s, then pictures of {url}")
        time.sleep(options.seconds)  # the charts fill while the load runs
        take(url)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--env", default="local", help="a running environment")
    parser.add_argument("--model", default="", help="the one to load, where there are several")
    parser.add_argument("--rate", default="2", help="requests a second")
    parser.add_argument("--since", default="15m", help="how far the charts look back")
    parser.add_argument("--seconds", type=int, default=600, help="load before the pictures are taken")
    return parser.parse_args()


@contextmanager
def load(env: str, model: str, rate: str) -> Iterator[None]:
    """Requests in the background, as independent users send them."""
    with running(
        "bench",
        *filter(None, [model]),
        "--env",
        env,
        "--rate",
        rate,
        "--arrivals",
        "poisson",
        "--duration",
        "2h",
    ):
        yield


@contextmanager
def page_of(env: str, since: str) -> Iterator[str]:
    """The page's address while it is served."""
    with running("dashboard", "--env", env, "--since", since) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            sys.exit("llmctl dashboard did not start")
        yield url


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """An llmctl command in the background, ended whatever happens."""
    process = subprocess.Popen([LLMCTL, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def take(url: str) -> None:
    """All pictures, each of a whole screen."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit(f"no browser on the PATH: {', '.join(BROWSERS)}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        for name, (width, height) in PICTURES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            page.goto(url)
            save(page, IMAGES / f"{name}.png")
        browser.close()


def save(page: Page, path: Path) -> None:
    """Wait until charts are drawn, and keep the picture."""
    page.locator("figure[data-points]:not([data-points='0'])").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    page.screenshot(path=path)
    size = path.stat().st_size
    if size > LARGEST:
        sys.exit(f"{path} has {size} bytes, more than {LARGEST}")
    show(f"{path}: {size} bytes")


def show(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
