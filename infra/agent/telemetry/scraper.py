"""Fetches the engine's page every few seconds and publishes what happened, in step with the clock.

Publications are a second before each multiple of the interval, under that time: so a minute's figures lie in
that minute, on every replica alike, and are there when an alarm evaluates it. The scrape just before belongs
to the same moment. Nothing here is called by the loop and waits, but for `flush`, which is bounded.
"""

import logging
import math
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from infra.agent import catalogue
from infra.agent.config import AgentConfig
from infra.agent.machine import Action, State
from infra.agent.telemetry.datums import Who
from infra.agent.telemetry.gpu import Gpus
from infra.agent.telemetry.lines import line
from infra.agent.telemetry.meter import Meter
from infra.agent.telemetry.publisher import Publisher
from infra.agent.telemetry.tally import Tally
from infra.agent.timing import Report

_LOG = logging.getLogger("agent")
_SCRAPE_SECONDS = 5
_LEAD_SECONDS = 1.0
_MINUTE = 60


@dataclass(frozen=True)
class Schedule:
    """When to scrape, and which scrapes are followed by a publication. Times in epoch seconds."""

    interval: int
    """Seconds between publications."""

    @property
    def scrapes(self) -> int:
        """How many to a publication: one every 5 seconds or somewhat more often."""
        return math.ceil(self.interval / _SCRAPE_SECONDS)

    def after(self, now: float) -> int:
        """Number of the next scrape."""
        return math.floor((now + _LEAD_SECONDS) * self.scrapes / self.interval) + 1

    def due(self, number: int) -> float:
        """When a scrape is due."""
        return number * self.interval / self.scrapes - _LEAD_SECONDS


@dataclass(kw_only=True)
class Telemetry:
    """Implements `ports.Telemetry`."""

    config: AgentConfig
    meter: Meter
    publisher: Publisher
    who: Callable[[], Who]
    context: dict[str, str]
    """What else a line of the replica says."""
    write: Callable[[str], None]
    """Takes the replica's lines."""
    fetch: Callable[[], str | None]
    """The engine's page; None when it can't be had."""
    learn: Callable[[], bool]
    """Finds the release out."""
    wall: Callable[[], float]
    _replica: Tally = field(default_factory=Tally)
    _published: int = 0
    _minute: int = 0
    _learn_due: float = 0.0
    _gpus: Gpus = field(default_factory=Gpus)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Begin, in threads of their own that end with the process."""
        self.publisher.start()
        threading.Thread(target=self._run, name="metrics-scraper", daemon=True).start()

    def saw(self, before: State, after: State, actions: Collection[Action]) -> None:
        """A round of the loop."""
        self.meter.saw(before, after, actions, self.wall())

    def timed(self, report: Report) -> None:
        """A request has ended."""
        self.meter.timed(report, self.wall())

    def flush(self, seconds: float) -> None:
        """Publish what there is, although it isn't time; wait at most so long."""
        self.publish(last=True)
        self.publisher.flush(seconds)

    def look(self) -> str | None:
        """Fetch the engine's page and take note of it."""
        turn = self.meter.turn()
        text = self.fetch()
        if text is None:
            self.meter.unread()
        else:
            self.meter.page(text, turn, self.wall())
        return text

    def tick(self, number: int) -> None:
        """One scrape, and the publication if it is time."""
        if self.meter.reads:
            self.look()
        if self.config.engine.gpus and (read := self._gpus.read()):
            self.meter.gauge(catalogue.GPU, read[0])
            self.meter.gauge(catalogue.GPU_MEMORY, read[1])
        # Not only on the very scrape: whoever was late for it publishes after the next one.
        publication = number // Schedule(self.config.monitoring.interval_seconds).scrapes
        if publication > self._published:
            self._published = publication
            self._find_release()
            self.publish()

    def publish(self, *, last: bool = False) -> None:
        """Hand all that happened to the publisher, and once a minute to the log. The last is no heartbeat."""
        at, who = self.wall(), self.who()
        taken = self.meter.take(at, heartbeat=not last)
        with self._lock:
            self._replica.add(taken.whole())
            minute = math.floor((at + _LEAD_SECONDS) / _MINUTE)
            if last or minute > self._minute:
                self._minute = minute
                told, self._replica = self._replica, Tally()
                replicas = self.config.monitoring.replicas
                self.write(line(told, who, self.context, epoch=at, metrics=replicas))
        for tally, name in taken.named(who):
            self.publisher.offer(tally, name, at)

    def _find_release(self) -> None:
        now = self.wall()
        if not self.who().release and now >= self._learn_due:
            self._learn_due = now + _MINUTE
            self.learn()

    def _run(self) -> None:
        schedule = Schedule(self.config.monitoring.interval_seconds)
        sleep = threading.Event()
        # From here on: what was before belongs to the publication that is next.
        self._published = (schedule.after(self.wall()) - 1) // schedule.scrapes
        while True:
            number = schedule.after(self.wall())
            sleep.wait(max(0.0, schedule.due(number) - self.wall()))
            try:
                self.tick(number)
            except Exception:  # noqa: BLE001 - a thread's outermost frame: ending would silence the replica
                _LOG.exception("metrics")
