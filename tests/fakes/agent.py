"""The agent's ports, recording and steerable: one clock for all of them, advanced by hand."""

from collections.abc import Collection
from dataclasses import dataclass, field

from infra.agent.agent import Agent
from infra.agent.machine import Action, Notice, NoticeKind, Phase, Policy, State, Work


@dataclass
class World:
    """All the ports of one agent. `calls` is what it did, in order; `log` what it told operators."""

    time: float = 1000.0
    notice: Notice | None = None
    standby: bool = False
    fetch: tuple[Work, str] = (Work.IDLE, "")
    fetch_result: tuple[Work, str] = (Work.DONE, "")
    engine: tuple[Work, str] = (Work.IDLE, "")
    engine_result: tuple[Work, str] = (Work.RUNNING, "")
    stops_on_sigterm: bool = True
    is_healthy: bool = False
    requests: int | None = 0
    aws_answers: bool = True
    termination_open: bool = True
    calls: list[str] = field(default_factory=list)
    log: list[tuple[Phase, str]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    rounds_seen: list[tuple[Phase, Phase]] = field(default_factory=list)
    """Phases before and after each round, as telemetry saw them."""
    figures_flushed: list[Phase] = field(default_factory=list)
    """The phases after which the last figures were asked for."""

    def agent(self, *, drain_seconds: float = 60.0) -> Agent:
        """An agent that lives in this world."""
        return Agent(
            policy=Policy(drain_seconds=drain_seconds),
            notices=_Notices(self),
            fetcher=_Fetcher(self),
            engine=_Engine(self),
            probe=_Probe(self),
            group=_Group(self),
            reporter=_Reporter(self),
            telemetry=_Telemetry(self),
            now=lambda: self.time,
            pause=lambda: self.advance(1.0),
        )

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds

    def rounds(self, agent: Agent, seconds: float) -> bool:
        """Let the agent live that long, a round a second; true if it ended."""
        until = self.time + seconds
        while self.time < until:
            if agent.round():
                return True
            self.advance(1.0)
        return False

    def healthy_agent(self, *, drain_seconds: float = 60.0) -> Agent:
        """An agent whose engine serves."""
        self.is_healthy = True
        agent = self.agent(drain_seconds=drain_seconds)
        self.rounds(agent, 5)
        assert agent.state.phase is Phase.HEALTHY
        self.calls.clear()
        return agent

    def spot_notice(self, seconds: float) -> None:
        """The instance will be taken in so many seconds."""
        self.notice = Notice(NoticeKind.SPOT, self.time + seconds)


@dataclass
class _Notices:
    world: World

    def current(self, now: float) -> Notice | None:
        return self.world.notice

    @property
    def standby(self) -> bool:
        return self.world.standby


@dataclass
class _Fetcher:
    world: World

    def start(self) -> None:
        self.world.calls.append("fetch")
        self.world.fetch = self.world.fetch_result

    def progress(self) -> tuple[Work, str]:
        return self.world.fetch

    def cancel(self) -> None:
        self.world.calls.append("cancel fetch")


@dataclass
class _Engine:
    world: World

    def start(self) -> None:
        self.world.calls.append("start")
        self.world.engine = self.world.engine_result

    def poll(self) -> tuple[Work, str]:
        return self.world.engine

    def stop(self) -> None:
        self.world.calls.append("stop")
        if self.world.stops_on_sigterm:
            self.world.engine = (Work.DONE, "the engine ended with status 0")

    def kill(self) -> None:
        self.world.calls.append("kill")
        self.world.engine = (Work.FAILED, "the engine ended with signal 9")


@dataclass
class _Probe:
    world: World

    def healthy(self) -> bool:
        return self.world.is_healthy

    def in_flight(self) -> int | None:
        return self.world.requests


@dataclass
class _Group:
    world: World

    def complete_launch(self, healthy: bool) -> bool:
        self.world.calls.append("launch continue" if healthy else "launch abandon")
        return self.world.aws_answers

    def prolong_launch(self) -> bool:
        self.world.calls.append("prolong")
        return self.world.aws_answers

    def complete_termination(self) -> bool:
        self.world.calls.append("terminate")
        return self.world.aws_answers and self.world.termination_open

    def deregister(self) -> bool:
        self.world.calls.append("deregister")
        return self.world.aws_answers


@dataclass
class _Reporter:
    world: World

    def phase(self, phase: Phase, detail: str) -> None:
        self.world.log.append((phase, detail))

    def event(self, action: str, result: str) -> None:
        self.world.events.append(action)

    def flush(self, seconds: float) -> None:
        self.world.calls.append("flush")


@dataclass
class _Telemetry:
    world: World

    def saw(self, before: State, after: State, actions: Collection[Action]) -> None:
        self.world.rounds_seen.append((before.phase, after.phase))

    def flush(self, seconds: float) -> None:
        self.world.figures_flushed.append(self.world.rounds_seen[-1][1])
