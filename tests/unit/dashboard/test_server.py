"""The page's server: its JSON API, and who it answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from infra.dashboard.guard import HEADERS, new_token
from infra.dashboard.server import about, application
from infra.errors import LlmctlError
from tests.fakes.dashboard import FakeSource

TOKEN = "a-token-of-this-test"
Get = Callable[..., Awaitable[ClientResponse]]


def visit(source: FakeSource, visitor: Callable[[Get], Awaitable[Any]]) -> Any:
    """Run `visitor` against a server; it gets a function that requests a path."""

    async def run() -> Any:
        first = about("staging", ("chat", "french"), 3600)
        async with TestClient(TestServer(application(source, first, TOKEN))) as client:

            async def get(path: str, host: str = "127.0.0.1:1", method: str = "GET") -> ClientResponse:
                return await client.request(method, path, headers={"Host": host}, allow_redirects=False)

            return await visitor(get)

    return asyncio.run(run())


def fetch(path: str, source: FakeSource | None = None, **how: str) -> tuple[int, Any]:
    """Status and JSON document, or text, of one request."""

    async def one(get: Get) -> tuple[int, Any]:
        answer = await get(path, **how)
        if answer.content_type == "application/json":
            return answer.status, await answer.json()
        return answer.status, await answer.text()

    found: tuple[int, Any] = visit(source or FakeSource(), one)
    return found


def test_state_is_what_status_shows() -> None:
    """The page and `llmctl status --json` speak of the same document."""
    status, answer = fetch(f"/{TOKEN}/api/state")
    assert status == 200
    assert answer["problem"] is None
    assert answer["updated"] is not None
    chat = answer["value"]["models"][0]
    assert [(slot["slot"], slot["weight"]) for slot in chat["slots"]] == [("blue", 75), ("green", 25)]
    assert chat["slots"][1]["replicas"][1]["phase"] == "loading"


def test_alarms_and_events() -> None:
    """Both come in the order of their source."""
    assert [alarm["phase"] for alarm in fetch(f"/{TOKEN}/api/alarms")[1]["value"]] == [
        "alarm",
        "ok",
        "no data",
        "ok",
    ]
    assert fetch(f"/{TOKEN}/api/events")[1]["value"][0]["actor"] == "ada@laptop"


def test_series_have_a_value_for_each_time() -> None:
    """A chart library can take them as they are."""
    series = fetch(f"/{TOKEN}/api/series?model=chat&since=15m")[1]["value"]
    lengths = {len(curve["values"]) for chart in series["charts"] for curve in chart["curves"]}
    assert lengths == {len(series["times"])}
    assert series["times"][1] - series["times"][0] == series["period_seconds"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("model=nobody", 404), ("", 404), ("model=chat&since=2y", 400), ("model=chat&since=16m", 400)],
)
def test_series_only_of_known_models_and_windows(query: str, status: int) -> None:
    """What is asked is cached and billed, so nobody can ask for ever more."""
    source = FakeSource()
    assert fetch(f"/{TOKEN}/api/series?{query}", source)[0] == status
    assert not source.calls


def test_a_window_of_ones_own_is_on_offer() -> None:
    """`--since 90m` stands among the usual choices, in their order, and is chosen."""
    found = about("staging", ("chat",), 5400)
    assert (found.windows, found.since) == (("15m", "1h", "90m", "3h", "12h", "24h"), "90m")
    assert about("staging", ("chat",), 7200).since == "2h"


def test_a_long_window_is_asked_for_less_often() -> None:
    """CloudWatch bills each metric of each question: a day's chart isn't asked for every 5 seconds."""
    source = FakeSource()

    async def twice(get: Get) -> None:
        for _ in range(2):
            await get(f"/{TOKEN}/api/series?model=chat&since=24h")

    visit(source, twice)
    assert source.calls == {"charts chat 86400": 1}


def test_an_outage_is_an_answer() -> None:
    """The page can tell why nothing is new; it isn't left with a bare error code."""
    failing = FakeSource(failure=LlmctlError("can't reach AWS", hint="check the network"))
    status, answer = fetch(f"/{TOKEN}/api/state", failing)
    assert status == 200
    assert answer == {
        "value": None,
        "updated": None,
        "problem": {"message": "can't reach AWS", "hint": "check the network"},
    }


@pytest.mark.parametrize(
    "path", ["/", "/api/state", f"/{TOKEN}x/api/state", f"/x{TOKEN[1:]}/", "/favicon.ico"]
)
def test_nothing_without_the_token(path: str) -> None:
    """Another user of the machine can connect, and learns nothing."""
    source = FakeSource()
    status, text = fetch(path, source)
    assert status == 404
    assert "staging" not in text
    assert not source.calls


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "10.0.0.1"])
def test_only_as_this_machine(host: str) -> None:
    """A web site whose name resolves to 127.0.0.1 (DNS rebinding) is refused even with the token."""
    assert fetch(f"/{TOKEN}/api/state", host=host)[0] == 421


@pytest.mark.parametrize("host", ["127.0.0.1:1234", "localhost:9000", "localhost"])
def test_through_a_forwarded_port(host: str) -> None:
    """`ssh -L 9000:127.0.0.1:PORT` works: the port in the Host header is the other end's."""
    assert fetch(f"/{TOKEN}/api/about", host=host)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_read_only(method: str) -> None:
    """There is nothing to change through the page."""
    for path in ("", "api/state", "script/app.js"):
        assert fetch(f"/{TOKEN}/{path}", method=method)[0] == 405


@pytest.mark.parametrize("path", ["/{}/", "/{}/api/state", "/{}/script/app.js", "/{}/none", "/", "/wrong/"])
def test_headers_on_every_answer(path: str) -> None:
    """Nothing from elsewhere is loaded, nothing is framed, cached or sent on; refusals included."""

    async def headers(get: Get) -> dict[str, str]:
        return dict((await get(path.format(TOKEN))).headers)

    found = visit(FakeSource(), headers)
    assert {name: found.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    ("path", "kind"),
    [("", "text/html"), ("script/app.js", "text/javascript"), ("style/base.css", "text/css")],
)
def test_files_have_their_type(path: str, kind: str) -> None:
    """With nosniff, a browser runs no script of a wrong type."""

    async def content_type(get: Get) -> str:
        return (await get(f"/{TOKEN}/{path}")).content_type

    assert visit(FakeSource(), content_type) == kind


@pytest.mark.parametrize(
    "path", ["../server.py", "%2e%2e/server.py", "script/../../server.py", "vendor", "script/"]
)
def test_only_the_pages_files(path: str) -> None:
    """No address leads out of the folder, or lists it."""
    assert fetch(f"/{TOKEN}/{path}")[0] == 404


def test_tokens_differ() -> None:
    """Each run has its own, too long to guess."""
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) >= 32
