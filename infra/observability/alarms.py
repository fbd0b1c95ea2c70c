"""When a model, or the whole environment, calls for help. Pure: from the file to alarms as plain data.

Thresholds come from the file; what is watched, for how long, and what a period without data means is
decided here, once, with the reason beside it. docs/operations.md has an entry for each kind. Nothing here
knows how an alarm is created, or who is told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from infra.agent import catalogue
from infra.engines import registry
from infra.environment import names
from infra.environment.base import seconds
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.observability.budget import budget_alarms
from infra.observability.expressions import counted, rate, total
from infra.observability.measured import measured
from infra.observability.terms import at_balancer, of_group, published
from infra.observability.types import Alarm, Composite, Line, Missing, Sources, Term

_MINUTE = 60
_WINDOW = 300
"""Seconds over which error rates are taken."""
_LATE_FIGURES = 180
"""Seconds after which silence is one: filled with zeros, figures that arrive late look like it."""
_SLEEPER_SECONDS = 1200
"""Longest cold start of a model that sleeps, where the file doesn't say (`alarms.capacity_short`)."""

_ABOVE, _BELOW = "GreaterThanThreshold", "LessThanThreshold"
_AT_LEAST = "GreaterThanOrEqualToThreshold"
_NO_REQUESTS = "without requests nothing is slow, and nothing is reported"
_COUNTED = "nobody reports what did not happen"
_GROUPS_GAP = "groups report each minute whatever happens: a gap is CloudWatch's own, and says nothing new"


def alarms(environment: Environment, model: str, sources: Sources) -> tuple[Alarm, ...]:
    """The alarms of a model that its file asks for and its engine has readings for."""
    return tuple(_ModelAlarms(environment, model, sources).all())


def composites(environment: Environment, model: str, sources: Sources) -> tuple[Composite, ...]:
    """The alarms over a model's other alarms; one without anything to watch is left out."""
    there = {alarm.kind for alarm in alarms(environment, model, sources)}
    found = (
        Composite(
            kind="outage",
            model=model,
            any_of=("no-healthy-replica", "errors"),
            meaning=f"Requests to {model} fail, or nobody is there to answer them.",
        ),
        Composite(
            kind="slow",
            model=model,
            any_of=("latency", "ttft", "queue"),
            unless=("no-healthy-replica", "capacity-short"),
            meaning=f"{model} is slow although it has the replicas that it wants.",
        ),
    )
    return tuple(_narrowed(each, there) for each in found if there & {*each.any_of})


def _narrowed(composite: Composite, there: set[str]) -> Composite:
    """Without alarms that the file turned off: CloudWatch refuses a rule over what doesn't exist."""
    return replace(
        composite,
        any_of=tuple(kind for kind in composite.any_of if kind in there),
        unless=tuple(kind for kind in composite.unless if kind in there),
    )


def environment_alarms(environment: Environment, sources: Mapping[str, Sources]) -> tuple[Alarm, ...]:
    """The alarms of the environment as a whole."""
    return (*_balancer_errors(environment, sources), *budget_alarms(environment, sources))


def alarm_name(environment: str, alarm: Alarm | Composite) -> str:
    """Name in CloudWatch."""
    part = alarm.part if isinstance(alarm, Alarm) else ""
    return names.alarm(environment, alarm.model, "-".join(filter(None, (alarm.kind, part))))


def rule(environment: str, composite: Composite) -> str:
    """A composite's rule, as CloudWatch writes it."""
    watched = _any(environment, composite.model, composite.any_of)
    if not composite.unless:
        return watched
    return f"({watched}) AND NOT ({_any(environment, composite.model, composite.unless)})"


def _any(environment: str, model: str, kinds: tuple[str, ...]) -> str:
    return " OR ".join(f'ALARM("{names.alarm(environment, model, kind)}")' for kind in kinds)


class _ModelAlarms:
    """The alarms of one model, a method each; None for one that its file or its engine has no place for."""

    def __init__(self, environment: Environment, model: str, sources: Sources) -> None:
        self._environment = environment
        self._model = model
        self._spec = environment.models[model]
        self._wanted = self._spec.alarms
        self._sources = sources
        self._launch = registry.launch(environment, model)
        self._told = measured(self._launch)

    def all(self) -> Iterator[Alarm]:
        found = (
            self._no_healthy_replica(),
            self._errors(),
            self._latency(),
            self._first_token(),
            self._queue(),
            self._capacity_short(),
            self._spot_notices(),
            self._agent_silent(),
            self._metrics_missing(),
            self._engine_failing(),
        )
        return (alarm for alarm in found if alarm)

    def _no_healthy_replica(self) -> Alarm:
        """Quiet where no replica is wanted: asleep, or before the first deploy raised the model.

        Three minutes at least: the balancer's figures may come later than the groups', and silence counts.
        """
        healthy = [self._at_slot("HealthyHostCount", "Maximum", slot, "healthy") for slot in Slot]
        wanted = self._groups("GroupDesiredCapacity", "wanted")
        patience = _LATE_FIGURES
        if self._spec.replicas.min == 0:
            patience = max(patience, seconds(self._wanted.capacity_short or f"{_SLEEPER_SECONDS}s"))
        return self._alarm(
            "no-healthy-replica",
            Line(
                label="healthy replicas, while any is wanted",
                terms=(*healthy, *wanted),
                expression=f"IF({total(wanted)} > 0, {counted(healthy, wanted)}, 1)",
            ),
            comparison=_BELOW,
            threshold=1,
            periods=patience // _MINUTE,
            missing=Missing.IGNORE,
            meaning=f"No replica of {self._model} is healthy at the load balancer.",
            why_missing=f"a balancer that has nobody to count is counted as zero; {_GROUPS_GAP}",
            notifies=False,
        )

    def _errors(self) -> Alarm | None:
        """Failed at a replica, or on the way to one: who can't be reached answers no 5xx of its own."""
        if self._wanted.error_rate is None:
            return None
        requests = [self._at_slot("RequestCount", "Sum", slot, "requests") for slot in Slot]
        failed = [
            self._at_slot(name, "Sum", slot, prefix)
            for name, prefix in (
                ("HTTPCode_Target_5XX_Count", "failed"),
                ("TargetConnectionErrorCount", "unreachable"),
            )
            for slot in Slot
        ]
        return self._alarm(
            "errors",
            rate("failed requests, percent", requests, failed),
            comparison=_ABOVE,
            threshold=self._wanted.error_rate,
            period_seconds=_WINDOW,
            periods=1,
            missing=Missing.NOT_BREACHING,
            meaning=f"More than {self._wanted.error_rate:g} % of the requests to {self._model} failed.",
            why_missing="without requests none fails; no-healthy-replica watches if any could succeed",
            notifies=False,
        )

    def _latency(self) -> Alarm | None:
        limit = self._wanted.latency_p95
        if limit is None:
            return None
        line = self._percentile(catalogue.LATENCY, "95 % of requests take less, seconds")
        if line is None:
            terms = tuple(self._at_slot("TargetResponseTime", "p95", slot, "response") for slot in Slot)
            line = Line(
                label="95 % of answers begin sooner, seconds, in the slower slot",
                terms=terms,
                expression=f"MAX([{', '.join(term.id for term in terms)}])",
            )
        return self._slow("latency", line, limit, f"5 % of the requests to {self._model} take over {limit}.")

    def _first_token(self) -> Alarm | None:
        limit = self._wanted.ttft_p95
        line = self._percentile(catalogue.FIRST_TOKEN, "95 % of first tokens come sooner, seconds")
        if limit is None or line is None:
            return None
        meaning = f"5 % of the requests to {self._model} wait over {limit} for their first token."
        return self._slow("ttft", line, limit, meaning)

    def _slow(self, kind: str, line: Line, limit: str, meaning: str) -> Alarm:
        return self._alarm(
            kind,
            line,
            comparison=_ABOVE,
            threshold=seconds(limit),
            periods=5,
            datapoints=3,
            missing=Missing.NOT_BREACHING,
            meaning=meaning,
            why_missing=_NO_REQUESTS,
            notifies=False,
        )

    def _queue(self) -> Alarm | None:
        limit = self._wanted.queued
        if limit is None or catalogue.QUEUED.name not in self._told:
            return None
        return self._alarm(
            "queue",
            self._single(catalogue.QUEUED, "Average", "requests waiting in each replica"),
            comparison=_ABOVE,
            threshold=limit,
            periods=5,
            missing=Missing.NOT_BREACHING,
            meaning=f"More than {limit:g} requests wait in each replica of {self._model}.",
            why_missing="a queue that nobody tells of is agent-silent's business",
            notifies=False,
        )

    def _capacity_short(self) -> Alarm | None:
        patience = self._wanted.capacity_short
        if patience is None:
            return None
        wanted = self._groups("GroupDesiredCapacity", "wanted")
        there = self._groups("GroupInServiceInstances", "there")
        periods = max(1, seconds(patience) // _MINUTE)
        return self._alarm(
            "capacity-short",
            Line(
                label="replicas missing",
                terms=(*wanted, *there),
                expression=f"{total(wanted)} - {total(there)}",
            ),
            comparison=_ABOVE,
            threshold=0,
            periods=periods,
            missing=Missing.IGNORE,
            meaning=f"For {patience}, {self._model} has had fewer replicas than it wants.",
            why_missing=_GROUPS_GAP,
        )

    def _spot_notices(self) -> Alarm | None:
        limit = self._wanted.spot_notices
        if limit is None:
            return None
        return self._alarm(
            "spot-notices",
            self._single(catalogue.SPOT_NOTICES, "Sum", "spot interruption notices"),
            comparison=_AT_LEAST,
            threshold=limit,
            period_seconds=900,
            periods=1,
            missing=Missing.NOT_BREACHING,
            meaning=f"{limit} replicas of {self._model} were told within 15 minutes that they must go.",
            why_missing=_COUNTED,
        )

    def _agent_silent(self) -> Alarm:
        """Agents that start or drain are heard too and may hide a silent one until they are done."""
        there = self._groups("GroupInServiceInstances", "there")
        beats = self._published(catalogue.HEARTBEAT, "Sum", "beats")
        each_minute = _MINUTE / seconds(self._environment.monitoring.interval)
        return self._alarm(
            "agent-silent",
            Line(
                label="replicas in service whose agent is not heard",
                terms=(*there, beats),
                expression=f"{total(there)} - {counted([beats], there)} / {each_minute:g}",
            ),
            comparison=_ABOVE,
            threshold=0.5,  # a publication that falls into the next minute is no silence
            periods=3,
            missing=Missing.IGNORE,
            meaning=f"A replica of {self._model} is in service, but its agent says nothing.",
            why_missing=f"silence itself is counted as zero; {_GROUPS_GAP}",
        )

    def _metrics_missing(self) -> Alarm | None:
        if not self._launch.readings:
            return None
        return self._alarm(
            "metrics-missing",
            self._single(catalogue.SCRAPE_FAILURES, "Sum", "failed readings of a healthy engine's metrics"),
            comparison=_ABOVE,
            threshold=0,
            periods=3,
            missing=Missing.NOT_BREACHING,
            meaning=f"A healthy engine of {self._model} doesn't tell its metrics.",
            why_missing=f"{_COUNTED}; agent-silent watches whether anybody would",
        )

    def _engine_failing(self) -> Alarm:
        """One failure is one too many; five periods make it last long enough to be seen."""
        return self._alarm(
            "engine-failing",
            self._single(catalogue.ENGINE_FAILURES, "Sum", "engines that ended or stopped answering"),
            comparison=_AT_LEAST,
            threshold=1,
            periods=5,
            datapoints=1,
            missing=Missing.NOT_BREACHING,
            meaning=f"An engine of {self._model} ended, stopped answering, or went down with its agent.",
            why_missing=_COUNTED,
        )

    def _percentile(self, metric: catalogue.Metric, label: str) -> Line | None:
        return self._single(metric, "p95", label) if metric.name in self._told else None

    def _single(self, metric: catalogue.Metric, statistic: str, label: str) -> Line:
        return Line(label=label, terms=(self._published(metric, statistic, "value"),))

    def _published(self, metric: catalogue.Metric, statistic: str, id_: str) -> Term:
        name = self._environment.environment
        return published(metric, statistic, id_=id_, environment=name, model=self._model)

    def _at_slot(self, name: str, statistic: str, slot: Slot, prefix: str) -> Term:
        return at_balancer(name, statistic, self._sources, id_=f"{prefix}_{slot}", slot=slot)

    def _groups(self, name: str, prefix: str) -> list[Term]:
        return [
            of_group(name, self._sources, slot, market, id_=f"{prefix}_{slot}_{market}".replace("-", "_"))
            for slot in Slot
            for market in Market
        ]

    def _alarm(
        self,
        kind: str,
        line: Line,
        *,
        comparison: str,
        threshold: float,
        periods: int,
        missing: Missing,
        meaning: str,
        why_missing: str,
        period_seconds: int = _MINUTE,
        datapoints: int | None = None,
        notifies: bool = True,
    ) -> Alarm:
        return Alarm(
            kind=kind,
            model=self._model,
            line=line,
            comparison=comparison,
            threshold=threshold,
            period_seconds=period_seconds,
            periods=periods,
            datapoints=periods if datapoints is None else datapoints,
            missing=missing,
            meaning=meaning,
            why_missing=why_missing,
            notifies=notifies,
        )


def _balancer_errors(environment: Environment, sources: Mapping[str, Sources]) -> Iterator[Alarm]:
    """502 and 504 of the balancer itself, which AWS counts for the balancer only, not for its targets.

    Not 503: that is the balancer's word for no-healthy-replica, and the answer of a model that sleeps.
    """
    limits = [model.alarms.error_rate for model in environment.models.values()]
    limit = min((each for each in limits if each is not None), default=None)
    some = next(iter(sources.values()), None)
    if limit is None or some is None:
        return
    requests = at_balancer("RequestCount", "Sum", some, id_="requests")
    failed = [
        at_balancer(f"HTTPCode_ELB_{code}_Count", "Sum", some, id_=f"failed_{code}") for code in (502, 504)
    ]
    yield Alarm(
        kind="balancer-errors",
        model=None,
        line=rate("requests that the balancer gave up, percent", [requests], failed),
        comparison=_ABOVE,
        threshold=limit,
        period_seconds=_WINDOW,
        periods=1,
        datapoints=1,
        missing=Missing.NOT_BREACHING,
        meaning=f"The load balancer answered more than {limit:g} % of the requests with 502 or 504.",
        why_missing="without requests none fails",
    )
