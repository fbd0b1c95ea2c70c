"""The function: invoked once a minute. It is told its environment's name; everything else is in the table."""

import os
from uuid import uuid4

from infra.aws.rollout_fleet import GroupFleet
from infra.aws.rollout_journal import TableJournal
from infra.aws.rollout_models import models_in_rollout
from infra.aws.rollout_records import TableRecords
from infra.aws.rollout_schedules import GroupSchedules
from infra.aws.rollout_traffic import RuleTraffic
from infra.aws.session import Session
from infra.clock import SystemClock
from infra.rollout.ports import World
from infra.rollout.requests import WATCHDOG
from infra.watchdog.config import VARIABLE
from infra.watchdog.watchdog import Watchdog

_BUDGET = 45.0
"""Seconds; the next invocation comes after 60."""


def watchdog(session: Session, environment: str) -> Watchdog:
    """The watchdog of an environment, over AWS."""
    clock = SystemClock()

    def world(model: str) -> World:
        return World(
            traffic=RuleTraffic(session, environment, model),
            fleet=GroupFleet(session, environment, model),
            schedules=GroupSchedules(session, environment, model),
            records=TableRecords(session, environment, model),
            journal=TableJournal(session, environment, model),
            clock=clock,
        )

    return Watchdog(
        models=lambda: models_in_rollout(session, environment),
        world=world,
        clock=clock,
        # Two invocations may overlap: each has a name of its own.
        holder=f"{WATCHDOG} {uuid4().hex[:8]}",
    )


_session: list[Session] = []


def handle(event: object, context: object) -> None:
    """Lambda's entry point; clients are kept while the function is warm."""
    if not _session:
        _session.append(Session(os.environ["AWS_REGION"], os.environ))
    watchdog(_session[0], os.environ[VARIABLE]).look(_BUDGET)
