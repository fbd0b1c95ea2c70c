"""All that is known in numbers of this replica, between the threads that learn it and those that tell it.

Pages are taken in the order in which they were asked for: of two that were fetched at the same time nobody
knows which is older, and an older one after a newer would look like a restart. The later of such is dropped;
nothing is lost, because counters only grow.
"""

import logging
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from infra.agent import catalogue
from infra.agent.config import AgentConfig
from infra.agent.machine import Action, Phase, State
from infra.agent.telemetry import requests
from infra.agent.telemetry.changes import Changes
from infra.agent.telemetry.datums import Who
from infra.agent.telemetry.exposition import parse
from infra.agent.telemetry.life import Life
from infra.agent.telemetry.tally import Tally
from infra.agent.timing import Report

_LOG = logging.getLogger("agent")
_LEAVING = (Phase.DRAINING, Phase.GONE)
_ALWAYS = (catalogue.SPOT_NOTICES.name, catalogue.ENGINE_FAILURES.name)


@dataclass(frozen=True)
class Turn:
    """Leave to fetch a page: how many were taken before, and whose it will be."""

    pages: int
    generation: int


@dataclass(frozen=True)
class Recorded:
    """What happened since the last time, by when it was recorded."""

    serving: Tally = field(default_factory=Tally)
    leaving: Tally = field(default_factory=Tally)
    """Since the replica was told to go."""

    def named(self, who: Who) -> Iterator[tuple[Tally, Who]]:
        """The parts in which anything happened, and in whose name each is published."""
        for tally, name in ((self.serving, who), (self.leaving, who.leaving)):
            if tally.counts or tally.values:
                yield tally, name

    def whole(self) -> Tally:
        """All of it."""
        whole = Tally()
        whole.add(self.serving)
        whole.add(self.leaving)
        return whole


@dataclass
class View:
    """What /metrics shows: totals since the agent's start, and the last state."""

    phase: Phase = Phase.BOOTING
    heartbeat: float = 0.0
    cold_start: dict[str, float] = field(default_factory=dict)
    totals: Tally = field(default_factory=Tally)
    gauges: dict[str, float] = field(default_factory=dict)
    page: str = ""
    """The engine's own, as last read; empty when it could not be."""


class Meter:
    """Thread-safe. Times in epoch seconds."""

    def __init__(self, config: AgentConfig, life: Life) -> None:
        self._launch = config.engine
        self._life = life
        self._changes = Changes(config.engine)
        self._pages = 0
        self._recorded = Recorded()
        self._view = View()
        self._lock = threading.Lock()
        if self._launch.timed:
            self._view.totals.add(requests.none())

    def saw(self, before: State, after: State, actions: Collection[Action], at: float) -> None:
        """A round of the agent's loop: what it tells has happened in the phase that it began in."""
        with self._lock:
            told = self._life.saw(before, after, actions, at)
            self._add(told, before.phase)
            self._view.phase = after.phase
            if after.phase not in (Phase.HEALTHY, Phase.DRAINING):
                self._view.page, self._view.gauges = "", {}

    @property
    def reads(self) -> bool:
        """Whether there is an engine whose page should be fetched now.

        Not while it drains, if the probe fetches it each second anyway: the last page before the engine is
        stopped is then the one that showed it empty, and no request is missing from the figures.
        """
        with self._lock:
            phase, served = self._life.phase, self._life.served
        if not self._launch.readings or not served:
            return False
        if phase is Phase.DRAINING:
            return not self._launch.in_flight_metrics
        return phase in (Phase.HEALTHY, Phase.LOADING)

    def turn(self) -> Turn:
        """To be taken before a page is fetched."""
        with self._lock:
            return Turn(self._pages, self._life.generation)

    def page(self, text: str, turn: Turn, at: float) -> None:
        """A page was fetched; one that can't be parsed counts as not read."""
        try:
            page = parse(text)
        except ValueError as error:
            _LOG.warning("metrics of the engine", extra={"fields": {"error": str(error)}})
            self.unread()
            return
        with self._lock:
            if (turn.pages, turn.generation) != (self._pages, self._life.generation):
                return
            self._pages += 1
            found = self._changes.look(page, turn.generation)
            self._occupancy(found)
            if found.counts.get(catalogue.GENERATED_TOKENS.name) or found.last(catalogue.FIRST_TOKEN.name):
                self._add(self._life.first_token(at))
            self._add(found)
            self._view.page = text

    def timed(self, report: Report, at: float) -> None:
        """A request has ended, as the recorder saw it."""
        with self._lock:
            if report.first_token is not None:
                self._add(self._life.first_token(at))
            self._add(requests.one(report))

    def unreported(self, requests: int) -> None:
        """So many requests ended of which nothing more is known: figures are wrong, as if not read."""
        _LOG.warning("requests were not counted", extra={"fields": {"requests": requests}})
        with self._lock:
            self._add(Tally({catalogue.SCRAPE_FAILURES.name: 1.0}))

    def unread(self) -> None:
        """The page could not be had; that is news only of an engine that is healthy otherwise."""
        with self._lock:
            self._view.page = ""
            if self._life.phase is Phase.HEALTHY:
                self._add(Tally({catalogue.SCRAPE_FAILURES.name: 1.0}))

    def gauge(self, metric: catalogue.Metric, value: float) -> None:
        """A state of something else than the engine."""
        with self._lock:
            self._add(Tally(values={metric.name: {value: 1.0}}))

    def take(self, at: float, *, heartbeat: bool = True) -> Recorded:
        """All since the last time, to be published."""
        with self._lock:
            taken, self._recorded = self._recorded, Recorded()
            self._view.heartbeat = at
            now = _part(taken, self._life.phase)
            told = self._launch.readings or self._launch.timed
            always = (*_ALWAYS, catalogue.SCRAPE_FAILURES.name) if told else _ALWAYS
            for name in always:
                now.count(name, 0)
            if self._launch.timed and self._life.served:
                now.add(Tally(requests.none().counts))
            if heartbeat:
                now.count(catalogue.HEARTBEAT.name, 1)
            if (age := self._life.age(at)) is not None:
                now.value(catalogue.AGE.name, round(age))
            return taken

    def view(self) -> View:
        """A copy for /metrics."""
        with self._lock:
            totals = Tally()
            totals.add(self._view.totals)
            cold, gauges = dict(self._life.cold_start), dict(self._view.gauges)
            return View(self._view.phase, self._view.heartbeat, cold, totals, gauges, self._view.page)

    def _occupancy(self, found: Tally) -> None:
        """Of the batch: a page has one value of each gauge."""
        running = sum(found.last(catalogue.IN_FLIGHT.name)) - sum(found.last(catalogue.QUEUED.name))
        if self._launch.max_sequences and found.last(catalogue.IN_FLIGHT.name):
            share = 100 * max(0.0, running) / self._launch.max_sequences
            found.value(catalogue.BATCH.name, round(min(share, 100.0), 3))

    def _add(self, told: Tally, phase: Phase | None = None) -> None:
        """Record it, as of this phase (default: the present one)."""
        _part(self._recorded, phase or self._life.phase).add(told)
        self._view.totals.add(Tally(told.counts, {}, told.histograms))
        for name, seen in told.values.items():
            if catalogue.METRICS[name].kind is catalogue.Kind.GAUGE:
                self._view.gauges[name] = next(iter(seen))


def _part(recorded: Recorded, phase: Phase) -> Tally:
    return recorded.leaving if phase in _LEAVING else recorded.serving
