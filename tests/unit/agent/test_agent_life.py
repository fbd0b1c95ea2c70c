"""Lives of an instance, replayed through the agent's loop with fakes and a clock moved by hand."""

from dataclasses import replace

import pytest

from infra.agent.config import AgentConfig, Launch
from infra.agent.machine import Notice, NoticeKind, Phase, Work
from infra.agent.main import policy
from tests.fakes.agent import World


def phases(world: World) -> list[Phase]:
    """The phases that operators saw, without repeats."""
    seen = [phase for phase, _ in world.log]
    return [phase for index, phase in enumerate(seen) if index == 0 or seen[index - 1] is not phase]


def test_launch_reaches_healthy_and_continues_the_hook_once() -> None:
    """A replica enters service exactly when its engine answers, not before."""
    world = World()
    agent = world.agent()
    world.rounds(agent, 30)
    assert agent.state.phase is Phase.LOADING
    assert "launch continue" not in world.calls
    world.is_healthy = True
    world.rounds(agent, 30)
    assert phases(world) == [Phase.FETCHING, Phase.LOADING, Phase.HEALTHY]
    assert world.calls == ["fetch", "start", "launch continue"]


def test_long_load_prolongs_the_hook_but_not_for_ever() -> None:
    """A hook that runs out during a long load would kill the instance; a load that hangs must not be kept."""
    world = World()
    agent = world.agent()
    world.rounds(agent, 7200)
    assert 55 <= world.calls.count("prolong") <= 61


def test_launch_hook_is_told_again_until_aws_hears_it() -> None:
    """An unheard hook would hold a healthy replica back until its time-out abandons it."""
    world = World(is_healthy=True, aws_answers=False)
    agent = world.agent()
    world.rounds(agent, 10)
    world.aws_answers = True
    world.calls.clear()
    world.rounds(agent, 10)
    assert world.calls == ["launch continue"]


def test_failing_starts_back_off_and_abandon_the_launch() -> None:
    """An engine that can't start is neither restarted in a tight loop nor kept in the group."""
    world = World(engine_result=(Work.FAILED, "the engine ended with status 1: no such model"))
    agent = world.agent()
    world.rounds(agent, 600)
    assert world.calls.count("launch abandon") == 1
    assert 5 <= world.calls.count("start") <= 8
    assert world.calls.index("launch abandon") == 1 + 3
    assert (Phase.FAILED, "the engine ended with status 1: no such model") in world.log


def test_an_unexpected_error_does_not_end_the_agent() -> None:
    """A surprise in one round must not take a serving engine along."""
    world = World()
    agent = world.healthy_agent()
    surprises = iter([RuntimeError("surprise")])

    def notice_after_a_surprise() -> None:
        world.advance(1.0)
        world.notice = Notice(NoticeKind.STOPPED)
        agent.now = lambda: world.time

    def surprising() -> float:
        raise next(surprises)

    agent.now = surprising
    agent.pause = notice_after_a_surprise
    agent.run()
    assert agent.state.phase is Phase.GONE


def test_failed_fetch_is_tried_again() -> None:
    """A bucket that can't be read for a moment must not cost the instance."""
    world = World(fetch_result=(Work.FAILED, "s3://b/k: there is nothing"))
    agent = world.agent()
    world.rounds(agent, 4)
    first = agent.state.phase
    assert first is Phase.FAILED
    world.fetch_result = (Work.DONE, "")
    world.is_healthy = True
    world.rounds(agent, 10)
    assert agent.state.phase is Phase.HEALTHY
    assert world.calls.count("fetch") == 2


def test_crash_of_a_serving_engine_restarts_it_without_abandoning() -> None:
    """After the first health the group decides by its health checks; the agent only restarts."""
    world = World()
    agent = world.healthy_agent()
    for _ in range(6):
        world.engine = (Work.FAILED, "the engine ended with signal 11")
        world.rounds(agent, 330)
    assert agent.state.phase is Phase.HEALTHY
    assert world.calls.count("start") == 6
    assert "launch abandon" not in world.calls


def test_crash_loop_waits_longer_each_time() -> None:
    """An engine that dies right after each health check must not be restarted every few seconds for ever."""
    world = World()
    agent = world.healthy_agent()
    starts = []
    for _ in range(4):
        world.engine = (Work.FAILED, "the engine ended with status 1")
        crashed = world.time
        while world.engine[0] is not Work.RUNNING:
            world.rounds(agent, 1)
        starts.append(world.time - crashed)
        world.rounds(agent, 3)
    assert starts == sorted(starts)
    assert starts[-1] >= 40


def test_engine_that_stops_answering_is_shown() -> None:
    """Operators see that a running engine no longer answers; one missed check is not enough for that."""
    world = World()
    agent = world.healthy_agent()
    world.is_healthy = False
    world.rounds(agent, 6)
    assert agent.state.phase is Phase.HEALTHY
    world.rounds(agent, 15)
    assert (Phase.LOADING, "the engine runs but fails its health check") in world.log
    world.is_healthy = True
    world.rounds(agent, 3)
    assert agent.state.phase is Phase.HEALTHY


def test_spot_notice_drains_before_it_stops_the_engine() -> None:
    """No request fails because of an interruption: leave the balancer, finish, stop, say goodbye."""
    world = World(requests=3)
    agent = world.healthy_agent()
    world.spot_notice(80)
    world.rounds(agent, 20)
    assert world.calls == ["cancel fetch", "deregister"]
    world.requests = 0
    assert world.rounds(agent, 10)
    assert world.calls[2:] == ["stop", "flush", "terminate"]
    assert world.log[-1] == (Phase.DRAINING, "the engine has stopped")


def test_a_notice_that_leaves_more_than_a_drain_is_served_on() -> None:
    """A whole fleet may be told at once: who can still serve does, and leaves in time for its drain."""
    world = World(requests=3)
    agent = world.healthy_agent(drain_seconds=20)
    world.spot_notice(120)
    deadline = world.time + 120
    world.rounds(agent, 60)
    assert (agent.state.phase, world.calls, world.events[-1]) == (Phase.HEALTHY, [], "notice")
    assert world.events.count("notice") == 1
    while "deregister" not in world.calls:
        world.rounds(agent, 1)
    assert 43 <= deadline - world.time <= 46
    assert world.rounds(agent, 60)
    assert world.time < deadline


def test_who_was_replaced_does_not_serve_on() -> None:
    """Once the group takes the instance out, another one serves: the drain begins at once."""
    world = World(requests=3)
    agent = world.healthy_agent(drain_seconds=20)
    world.spot_notice(120)
    world.rounds(agent, 10)
    assert world.notice
    world.notice = replace(world.notice, retired=True)
    world.rounds(agent, 3)
    assert agent.state.phase is Phase.DRAINING


def test_idle_engine_still_gets_time_after_deregistration() -> None:
    """The balancer routes to a target for a while after it left: stopped at once, an engine drops that."""
    world = World(requests=0)
    agent = world.healthy_agent()
    world.notice = Notice(NoticeKind.TERMINATED)
    noticed = world.time
    world.rounds(agent, 4)
    assert "stop" not in world.calls
    while "stop" not in world.calls:
        world.rounds(agent, 1)
    assert 5 <= world.time - noticed <= 9


def test_spot_notice_while_loading_stops_at_once() -> None:
    """Nothing is in flight in an engine that never served; the time is better spent on the replacement."""
    world = World()
    agent = world.agent()
    world.rounds(agent, 10)
    world.spot_notice(120)
    assert world.rounds(agent, 6)
    assert world.calls[2:] == ["cancel fetch", "deregister", "stop", "flush", "terminate"]
    assert "launch continue" not in world.calls


def test_notice_before_anything_started_ends_without_engine() -> None:
    """An agent that is restarted on a leaving instance must not start the engine again."""
    world = World(notice=Notice(NoticeKind.TERMINATED))
    agent = world.agent()
    assert world.rounds(agent, 10)
    assert "start" not in world.calls
    assert "terminate" in world.calls


def test_drain_budget_ends_the_wait() -> None:
    """A request that never ends may not hold the instance for longer than the drain time."""
    world = World(requests=1)
    agent = world.healthy_agent(drain_seconds=30)
    world.notice = Notice(NoticeKind.TERMINATED)
    noticed = world.time
    while "stop" not in world.calls:
        world.rounds(agent, 1)
    assert 30 <= world.time - noticed <= 34


def test_spot_deadline_cuts_the_drain_budget() -> None:
    """The engine is stopped, and the hook completed, before the market takes the instance."""
    world = World(requests=1, stops_on_sigterm=False)
    agent = world.healthy_agent(drain_seconds=600)
    world.spot_notice(120)
    deadline = world.time + 120
    assert world.rounds(agent, 200)
    assert world.calls[2:] == ["stop", "kill", "flush", "terminate"]
    assert world.time < deadline


def test_requests_cut_off_by_a_kill_are_counted() -> None:
    """A stream longer than the drain budget isn't cut in silence: operators read how many, and when."""
    world = World(requests=3, stops_on_sigterm=False)
    agent = world.healthy_agent(drain_seconds=120)
    world.notice = Notice(NoticeKind.TERMINATED)
    assert world.rounds(agent, 200)
    assert world.calls[1:] == ["stop", "kill", "flush", "terminate"]
    assert agent.state.cut_off == "3 requests cut off after 136 s"
    assert world.events[-1] == "cut off"
    assert world.log[-1] == (Phase.DRAINING, f"the engine has stopped; {agent.state.cut_off}")


def test_requests_that_end_between_sigterm_and_the_end_are_not_cut_off() -> None:
    """An engine that finishes what it has after SIGTERM must not be blamed for the budget."""
    world = World(requests=2, stops_on_sigterm=False)
    agent = world.healthy_agent(drain_seconds=30)
    world.notice = Notice(NoticeKind.TERMINATED)
    while "stop" not in world.calls:
        world.rounds(agent, 1)
    world.requests = 0
    world.rounds(agent, 2)
    world.engine = (Work.DONE, "the engine ended with status 0")
    assert world.rounds(agent, 10)
    assert agent.state.cut_off == ""
    assert "cut off" not in world.events


@pytest.mark.parametrize(
    ("requests", "told"), [(0, ""), (1, "up to 1 request cut off"), (None, "not known whether requests")]
)
def test_stop_by_hand_tells_what_it_may_have_cut(requests: int | None, told: str) -> None:
    """A stop without a drain knows of running requests, too, and says so when an engine can't tell."""
    world = World(requests=requests)
    agent = world.healthy_agent()
    world.notice = Notice(NoticeKind.STOPPED)
    assert world.rounds(agent, 6)
    assert agent.state.cut_off.startswith(told)
    assert bool(agent.state.cut_off) == bool(told)


def test_an_engine_that_had_crashed_cuts_nothing_off() -> None:
    """Nothing is known to be lost by a drain that found no engine: the crash was told when it happened."""
    world = World(requests=None)
    agent = world.healthy_agent()
    world.engine = world.engine_result = (Work.FAILED, "the engine ended with signal 11")
    world.rounds(agent, 3)
    world.notice = Notice(NoticeKind.TERMINATED)
    assert world.rounds(agent, 10)
    assert agent.state.cut_off == ""


def test_last_figures_are_published_before_the_goodbye() -> None:
    """The instance may be taken the moment its hook completes: what its last requests took must be told."""
    world = World(requests=0)
    agent = world.healthy_agent()
    world.spot_notice(80)
    assert world.rounds(agent, 30)
    assert world.figures_flushed == [Phase.GONE]
    assert (Phase.DRAINING, Phase.GONE) in world.rounds_seen


def test_unknown_in_flight_uses_the_whole_budget() -> None:
    """When nobody can tell whether requests run, the safe assumption is that they do."""
    world = World(requests=None)
    agent = world.healthy_agent(drain_seconds=30)
    world.notice = Notice(NoticeKind.TERMINATED)
    world.rounds(agent, 25)
    assert "stop" not in world.calls


def test_goodbye_is_said_again_until_the_group_listens() -> None:
    """After a spot notice the group opens its hook later; unheard, it would wait for the hook's time-out."""
    world = World(termination_open=False)
    agent = world.healthy_agent()
    world.spot_notice(80)
    assert not world.rounds(agent, 40)
    world.termination_open = True
    assert world.rounds(agent, 10)
    assert world.calls.count("terminate") > 3


def test_goodbye_outlasts_the_balancers_delay() -> None:
    """The hook opens when the balancer has let go, maybe long after the engine was done."""
    config = AgentConfig(
        environment="test",
        model="chat",
        region="eu-west-1",
        runtime_table="t",
        log_group="g",
        api_key_secret=None,
        weights_uri=None,
        engine=Launch(image="i", args=()),
        launch_hook="launch",
        terminate_hook="terminate",
        drain_seconds=300,
    )
    assert policy(config).drain_seconds == 300
    assert policy(config).goodbye_for > 300


def test_a_stop_ends_the_goodbye() -> None:
    """A shutdown while the goodbye isn't heard must not be held up by it."""
    world = World(termination_open=False)
    agent = world.healthy_agent()
    world.notice = Notice(NoticeKind.TERMINATED)
    assert not world.rounds(agent, 20)
    world.notice = Notice(NoticeKind.STOPPED)
    assert world.rounds(agent, 3)


def test_agent_ends_although_aws_never_answers() -> None:
    """Without AWS a leaving instance still drains its engine and ends in time."""
    world = World(aws_answers=False)
    agent = world.healthy_agent()
    world.spot_notice(120)
    deadline = world.time + 120
    assert world.rounds(agent, 200)
    assert world.time <= deadline + 2
    assert world.calls.count("deregister") > 1
    assert world.calls.count("stop") == 1


def test_stop_of_the_service_does_not_drain() -> None:
    """Who stops the service by hand means now; the group's hooks are none of that."""
    world = World(requests=5)
    agent = world.healthy_agent()
    world.notice = Notice(NoticeKind.STOPPED)
    assert world.rounds(agent, 6)
    assert "terminate" not in world.calls
    assert "stop" in world.calls


def test_stop_during_a_drain_cuts_it_short() -> None:
    """A shutdown in the middle of a drain has the last word."""
    world = World(requests=5)
    agent = world.healthy_agent()
    world.spot_notice(120)
    world.rounds(agent, 10)
    world.notice = Notice(NoticeKind.STOPPED)
    assert world.rounds(agent, 6)


def test_an_instance_of_a_warm_pool_fetches_and_waits() -> None:
    """Its hook is completed as soon as all is on the disk; no engine runs that would be stopped."""
    world = World(standby=True, is_healthy=True)
    agent = world.agent()
    world.rounds(agent, 30)
    assert world.calls == ["fetch", "launch continue"]
    world.notice = Notice(NoticeKind.STOPPED)
    assert world.rounds(agent, 30), "it is stopped now"


def test_an_instance_that_is_needed_before_it_was_stopped_serves() -> None:
    """The group waits for it a second time, and is told a second time."""
    world = World(standby=True, is_healthy=True)
    agent = world.agent()
    world.rounds(agent, 10)
    world.standby = False
    world.rounds(agent, 10)
    assert world.calls == ["fetch", "launch continue", "start", "launch continue"]
    assert agent.state.phase is Phase.HEALTHY
