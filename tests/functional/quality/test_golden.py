"""Golden prompts over real HTTP: to two simulators, one with a broken chat template, and to odd servers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from infra.environment.rollout import Quality
from infra.environment.slots import Slot
from infra.quality.client import Api, AskError, Endpoint, Releases
from infra.quality.evaluate import Case, evaluate
from infra.quality.golden import GoldenMetrics, Work
from infra.quality.pacing import Pace
from infra.quality.prompts import GoldenPrompt
from infra.quality.scorers import opened, place_of
from infra.quality.tools import tools
from infra.rollout.measured import Measurements
from tests.functional.servers.conftest import Running, Start
from tests.unit.quality.test_golden import PLAN, WINDOW, Inner

pytestmark = pytest.mark.slow
KEY = "sk-test"
FAST = ("--served-model-name", "chat", "--ttft", "0", "--time-per-token", "0")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """A server that answers everything so; its base URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def forwarding(blue: Running, green: Running) -> Handler:
    """What the balancer's rules do: by the header, to either slot."""

    async def forward(request: web.Request) -> web.StreamResponse:
        target = {"chat/blue": blue, "chat/green": green}[request.headers["x-llmctl-slot"]]
        body = json.loads(await request.read())
        key = request.headers["Authorization"].removeprefix("Bearer ")
        status, reply = await asyncio.to_thread(target.post, request.path, body, key)
        return web.json_response(reply, status=status)

    return forward


def prompts_from(server: Running) -> tuple[GoldenPrompt, ...]:
    """Prompts whose references are what a healthy release answers."""
    made = []
    for number in range(12):
        messages = ({"role": "user", "content": f"What is {number} + 1?"},)
        body = {"model": "chat", "messages": list(messages), "temperature": 0, "max_tokens": 30}
        reference = server.post("/v1/chat/completions", body, KEY)[1]["choices"][0]["message"]["content"]
        made.append(GoldenPrompt(id=str(number), ask=messages, reference=reference, max_tokens=30))
    return tuple(made)


@pytest.fixture(scope="module")
def healthy(start: Start) -> Running:
    """A release that answers as ever."""
    return start("simulator", *FAST, VLLM_API_KEY=KEY)


@pytest.fixture(scope="module")
def garbled(start: Start) -> Running:
    """One whose chat template is broken."""
    return start("simulator", *FAST, "--garbled", VLLM_API_KEY=KEY)


@pytest.mark.parametrize("scorer", ["exact", "rouge_l"])
def test_a_broken_chat_template_shows_in_the_scores(healthy: Running, garbled: Running, scorer: str) -> None:
    """Status 200, quick and of the right length: nothing but the words tells."""

    async def cases() -> tuple[Case, ...]:
        async with served(forwarding(healthy, garbled)) as url:
            endpoint = Endpoint(url=url, model="chat", api_key=KEY)
            async with tools(endpoint, Quality(scorer=scorer), {})() as ready:  # type: ignore[arg-type]
                assert ready.scorer is not None
                pace = Pace(at_once=4, rate=200)
                return await evaluate(prompts_from(healthy), tuple(Slot), ready.ask, ready.scorer, pace=pace)

    found = asyncio.run(cases())
    assert all(case.scores[Slot.BLUE] == 1 for case in found), found
    assert all(case.scores[Slot.GREEN] < 0.1 for case in found), found


def test_a_running_release_can_break_and_recover(healthy: Running, start: Start) -> None:
    """The same words come back: garbling changes nothing for good."""
    server = start("simulator", *FAST)
    body = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}]}

    def says() -> str:
        return str(server.post("/v1/chat/completions", body)[1]["choices"][0]["message"]["content"])

    before = says()
    assert server.post("/simulator", {"garbled": True})[1]["garbled"] is True
    assert says() != before
    server.post("/simulator", {"garbled": False})
    assert says() == before


def test_scores_reach_the_measurements_of_a_rollout(healthy: Running, garbled: Running) -> None:
    """From the thread, over HTTP, to what the gates see."""

    async def main() -> Measurements:
        async with served(forwarding(healthy, garbled)) as url:
            prompts = await asyncio.to_thread(prompts_from, healthy)
            work = Work(prompts=prompts, scored=prompts, replay=50)
            opener = tools(Endpoint(url=url, model="chat", api_key=KEY), Quality(scorer="exact"), {})
            with GoldenMetrics(Inner(), work, opener, now=lambda: 150.0) as metrics:
                return await asyncio.to_thread(measured, metrics)

    found = asyncio.run(main())
    assert set(found.old.scores.values()) == {1.0}
    assert set(found.new.scores.values()) == {0.0}


def measured(metrics: GoldenMetrics) -> Measurements:
    """The first measurements that have scores."""
    deadline = time.monotonic() + 60
    while not (found := metrics.measure(PLAN, WINDOW)).new.scores:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def asked(handler: Handler, *, timeout: float = 10, retries: int = 0) -> str:
    """What a server's answer is taken for."""

    async def main() -> str:
        async with served(handler) as url:
            endpoint = Endpoint(url=url, model="chat", api_key=KEY)
            async with Api(endpoint, timeout=timeout, retries=retries) as api:
                return await Releases(api)(Slot.GREEN, GoldenPrompt(id="a", ask="Why?", seed=7))

    return asyncio.run(main())


def answering(body: str, status: int = 200) -> Handler:
    """A server that always says the same."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=status)

    return handler


def test_a_request_says_who_is_meant_and_how_it_is_to_be_answered() -> None:
    """Slot, key, model, and whatever makes an answer repeatable."""
    seen: list[tuple[str, str, str, object]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        headers = request.headers
        seen.append((request.path, headers["x-llmctl-slot"], headers["Authorization"], await request.json()))
        return web.json_response({"choices": [{"text": "So."}]})

    assert asked(handler) == "So."
    body = {"model": "chat", "max_tokens": 256, "temperature": 0.0, "seed": 7, "prompt": "Why?"}
    assert seen == [("/v1/completions", "chat/green", f"Bearer {KEY}", body)]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("boom", 500, "status 500: boom"),
        ("<html>", 200, "no JSON object"),
        ("[]", 200, "no JSON object"),
        ("{}", 200, "no answer in it"),
        ('{"choices": []}', 200, "no answer in it"),
        ('{"error": {"message": "busy"}}', 200, "the server says"),
        ("elsewhere", 302, "status 302"),
    ],
)
def test_what_is_no_answer_is_an_error(body: str, status: int, said: str) -> None:
    """Never an empty answer, which would be scored as a bad one."""
    with pytest.raises(AskError, match=said):
        asked(answering(body, status))


@pytest.mark.parametrize("content", ["null", '""'])
def test_an_empty_answer_is_an_answer(content: str) -> None:
    """A model that says nothing, or only calls a tool, is scored for it."""
    assert asked(answering(f'{{"choices": [{{"message": {{"content": {content}}}}}]}}')) == ""


def test_nobody_there_and_too_slow_are_errors() -> None:
    """Both pass, so a scorer may be asked again; a release under test is not."""

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    with pytest.raises(AskError, match=r"no answer within 0\.2 s"):
        asked(slow, timeout=0.2)

    async def refused() -> None:
        async with Api(Endpoint(url="http://127.0.0.1:9/v1", model="m", api_key=None)) as api:
            await api.post("/x", {})

    with pytest.raises(AskError, match="connection") as caught:
        asyncio.run(refused())
    assert caught.value.passing


def test_a_scorer_that_is_busy_for_a_moment_is_asked_again() -> None:
    """Else a judge's rate limit would make a rollout inconclusive."""
    calls: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        if len(calls) == 1:
            return web.Response(status=429)
        return web.json_response({"choices": [{"message": {"content": '{"A": 10, "B": 1}'}}]})

    async def score() -> object:
        async with served(handler) as url:
            quality = Quality(scorer="judge", url=url, model="judge-1")
            async with opened("judge", place_of(quality, {})) as scorer:
                prompt = GoldenPrompt(id="a", ask="Why?")
                return await scorer.score(prompt, {Slot.BLUE: "So.", Slot.GREEN: "No."})

    assert asyncio.run(score()) == {Slot.BLUE: 0.5, Slot.GREEN: 0.5}
    assert len(calls) == 3
