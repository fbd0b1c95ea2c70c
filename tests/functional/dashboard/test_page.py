"""The page in a real browser: what people see, and what the browser does for it."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from infra.dashboard.types import AlarmPhase
from infra.deploy.types import EnvironmentState, Phase
from infra.environment.slots import Slot
from infra.errors import LlmctlError
from tests.fakes.dashboard import alarm, event, model_state, replica, slot_state
from tests.functional.dashboard.conftest import Served, Server

pytestmark = pytest.mark.slow
SOON = 20_000
"""Milliseconds: the page asks every 5 seconds, and the machine may be busy."""


def test_traffic_from_endpoint_to_replicas(served: Served) -> None:
    """Every model, slot, weight and replica of the state is there, in words."""
    served.open()
    chat = served.page.locator("li.model[data-model=chat]")
    expect(chat).to_contain_text("release 3")
    expect(chat).to_contain_text("release 4 waiting")
    expect(chat.get_by_role("img", name="Weights: blue 75 %, green 25 %")).to_be_visible()
    expect(chat.locator(".slot[data-slot=green]")).to_contain_text("1/2 healthy")
    expect(chat.locator(".tile")).to_have_count(6)
    expect(chat.locator(".tile[data-phase=loading]")).to_contain_text("loading")
    expect(chat.locator(".tile[data-market=on-demand]")).to_contain_text("on-demand")
    expect(served.page.locator("li.model[data-model=french]")).to_contain_text("green idle")


def test_the_bar_is_as_long_as_the_weight(served: Served) -> None:
    """A share of 75 % takes three quarters."""
    served.open()
    shares = served.page.locator("li.model[data-model=chat] .share")
    widths = [shares.nth(index).evaluate("part => part.offsetWidth") for index in range(2)]
    assert widths[0] / sum(widths) == pytest.approx(0.75, abs=0.01)


def test_replicas_are_listed_worst_first(served: Served) -> None:
    """The one in trouble isn't below the fold."""
    served.open()
    rows = served.page.locator("#replicas tbody tr")
    expect(rows).to_have_count(7)
    expect(rows.first).to_contain_text("loading weights 40 %")
    expect(rows.first).to_contain_text("us-east-1c")


def test_charts_are_drawn(served: Served) -> None:
    """Each figure with data is drawn with as many points as the API gave, and told in words."""
    served.open()
    latency = served.page.locator("figure[data-figure=latency]")
    assert int(latency.get_attribute("data-points") or 0) == 3 * 60
    canvas = latency.locator("canvas")
    assert canvas.evaluate("it => it.width * it.height") > 10_000
    assert canvas.evaluate(_COLOURS) > 3
    plot = latency.get_by_role("img")
    assert re.search(r"Latency\. p50: latest .* ms, highest", plot.get_attribute("aria-label") or "")


def test_a_figure_without_data_says_so(served: Served) -> None:
    """An empty frame would leave one guessing."""
    served.open()
    gpu = served.page.locator("figure[data-figure=gpu]")
    expect(gpu).to_contain_text("No data in this window.")
    expect(gpu.locator("canvas")).to_have_count(0)


def test_no_requests_are_told_from_no_answer(served: Served) -> None:
    """A quiet model is normal; the page says that it is quiet."""
    served.source.load = 0
    served.open()
    expect(served.page.locator("#charts-note")).to_have_text("No requests to chat in the last hour.")


def test_choosing_a_model_and_a_window(served: Served) -> None:
    """By keyboard; the choice is in the address and survives a reload."""
    served.open()
    for label in ("french", "24h"):
        served.page.get_by_role("button", name=label, exact=True).focus()
        served.page.keyboard.press("Enter")
    served.page.locator("figure[data-points]").first.wait_for()
    assert "charts french 86400" in served.source.calls
    served.page.reload()
    expect(served.page.get_by_role("button", name="french")).to_have_attribute("aria-pressed", "true")
    expect(served.page.get_by_role("button", name="24h")).to_have_attribute("aria-pressed", "true")


def test_alarms(served: Served) -> None:
    """What fires is explained with a way to go on; what is quiet is one click away."""
    served.open()
    alarms = served.page.locator("#alarms")
    expect(alarms.locator(".firing")).to_contain_text("chat: ttft")
    expect(alarms.locator(".firing")).to_contain_text("docs/operations.md#ttft")
    expect(served.page.locator("#verdict")).to_contain_text("1 alarm")
    alarms.get_by_text("2 ok, 1 without data").click()
    expect(alarms.locator("details")).to_contain_text("chat: errors")


def test_an_alarm_that_feeds_another_is_not_counted_twice(served: Served) -> None:
    """The verdict counts what people are told of."""
    served.source.alarm_states = [
        alarm("slow", AlarmPhase.ALARM),
        alarm("latency", AlarmPhase.ALARM, notifies=False),
    ]
    served.open()
    expect(served.page.locator("#verdict")).to_have_text(re.compile("^1 alarm ·|^1 alarm$"))


def test_a_sleeping_model_is_said_to_sleep(served: Served) -> None:
    """A model at zero whose requests go to the waker isn't called serving."""
    served.source.alarm_states = []
    served.source.environment = EnvironmentState(
        environment="staging",
        endpoint="http://127.0.0.1:8080",
        models=(
            model_state("chat", slot_state(Slot.BLUE, 100, replica(1), wanted=1), slot_state(Slot.GREEN, 0)),
            model_state("night", slot_state(Slot.BLUE, 0), slot_state(Slot.GREEN, 0)),
        ),
    )
    served.open()
    expect(served.page.locator("#verdict")).to_have_text("Serving, every replica healthy · asleep: night")


def test_changes_appear(served: Served) -> None:
    """A replica fails, a weight moves, something is recorded: it is on the page without a reload."""
    served.open()
    served.source.environment = EnvironmentState(
        environment="staging",
        endpoint="http://127.0.0.1:8080",
        models=(
            model_state(
                "chat",
                slot_state(Slot.BLUE, 50, replica(1, Phase.FAILED, detail="engine ended"), wanted=1),
                slot_state(Slot.GREEN, 50),
            ),
        ),
    )
    served.source.log.insert(0, event("GoLive", "chat"))
    page = served.page
    expect(page.locator("#replicas tbody tr")).to_have_count(1, timeout=SOON)
    expect(page.locator("#replicas")).to_contain_text("failed engine ended")
    expect(page.get_by_role("img", name="Weights: blue 50 %, green 50 %")).to_be_visible()
    expect(page.locator("#verdict")).to_contain_text("chat: not every replica is healthy")
    expect(page.locator("#events")).to_contain_text("GoLive")


def test_text_of_the_cloud_is_text(served: Served) -> None:
    """An event's target or an alarm's reason can't become markup or a script."""
    evil = "<img src=x onerror=alert(1)><b>bold</b>"
    served.source.log = [event("Resize", evil)]
    served.open()
    expect(served.page.locator("#events")).to_contain_text(evil)
    expect(served.page.locator("#events b")).to_have_count(0)


def test_outage_and_recovery(served: Served) -> None:
    """The banner says what is wrong and how old the rest is; it goes when the cloud is back."""
    served.open()
    banner = served.page.locator("#banner")
    expect(banner).to_be_hidden()
    served.source.failure = LlmctlError("can't reach AWS", hint="check the network")
    expect(banner).to_contain_text("can't reach AWS", timeout=SOON)
    expect(banner).to_contain_text("check the network")
    expect(banner).to_contain_text(re.compile(r"is from \d\d:\d\d:\d\d"))
    expect(served.page.locator("li.model")).to_have_count(2)
    served.source.failure = None
    expect(banner).to_be_hidden(timeout=SOON)
    assert not served.errors


def test_the_end_of_the_server_is_told(served: Served, server: Server) -> None:
    """Ctrl-C in the terminal leaves no page that looks alive."""
    served.open()
    server.stop()
    expect(served.page.locator("#banner")).to_contain_text("does not answer", timeout=SOON)


def test_nothing_from_elsewhere_and_no_errors(served: Served) -> None:
    """The page works without a network, and the browser finds nothing to complain about."""
    served.open()
    served.page.wait_for_timeout(500)
    assert served.requests
    assert [url for url in served.requests if not url.startswith(served.url)] == []
    assert served.errors == []


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_sideways_scrolling(served: Served, width: int) -> None:
    """Readable on a phone and on a laptop: only tables may be wider than the screen."""
    served.page.set_viewport_size({"width": width, "height": 800})
    served.open()
    assert served.page.evaluate("document.documentElement.scrollWidth") <= width


_COLOURS = """(it) => {
  const image = it.getContext('2d').getImageData(0, 0, it.width, it.height);
  return new Set(new Uint32Array(image.data.buffer)).size;
}"""
_UNNAMED = """() => [...document.querySelectorAll(
    'button, a, summary, img, [role=img], [role=region], [role=group], section')]
  .filter((it) => !it.getAttribute('aria-label') && !it.getAttribute('aria-labelledby'))
  .filter((it) => !it.textContent.trim())
  .map((it) => it.outerHTML)"""
_HEADINGS = "[...document.querySelectorAll('h1, h2, h3')].map((it) => Number(it.tagName[1]))"
_CONTRASTS = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (it) => {
    for (; it; it = it.parentElement) {
      const colour = parse(getComputedStyle(it).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter((it) => [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((it) => it.offsetParent && !it.closest('.skip, .hidden'))
    .map((it) => {
      const [one, other] = [light(parse(getComputedStyle(it).color)), light(behind(it))];
      return [it.className + ' ' + it.textContent.slice(0, 30),
        (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)];
    })
    .filter(([, contrast]) => contrast < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_read_it(served: Served, scheme: str) -> None:
    """Contrast of all text (WCAG AA), names for all controls and pictures, headings in order."""
    served.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    served.open()
    assert served.page.evaluate(_CONTRASTS) == []
    assert served.page.evaluate(_UNNAMED) == []
    levels = served.page.evaluate(_HEADINGS)
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert served.page.evaluate("document.documentElement.lang") == "en"
