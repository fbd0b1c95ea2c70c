"""Reads the logs that agents ship: one CloudWatch log group a model, two streams of lines an instance."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from infra.aws.session import Session, translated
from infra.deploy.logs import EVERYTHING, SOURCES, Choice
from infra.deploy.types import LogLine
from infra.environment import names


class LogReader:
    """Implements `infra.deploy.logs.Reader`."""

    def __init__(self, session: Session, environment: str) -> None:
        self._logs = session.logs
        self._environment = environment

    def lines(self, model: str, *, since: datetime, choice: Choice = EVERYTHING) -> Iterator[LogLine]:
        """Lines of a model from `since` on, oldest first; none for a model or a replica that has no logs."""
        arguments = {
            "logGroupName": names.log_group(self._environment, model),
            "startTime": int(since.timestamp() * 1000),
            **_narrowed(choice),
        }
        with translated(f"reading the logs of {model}"):
            paginate: Any = self._logs.get_paginator("filter_log_events").paginate
            try:
                for page in paginate(**arguments):
                    for event in page["events"]:
                        instance, _, source = event["logStreamName"].partition("/")
                        if source not in SOURCES or choice.source not in (None, source):
                            continue
                        yield LogLine(
                            time=datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
                            model=model,
                            replica=instance,
                            source=source,
                            text=event["message"],
                            id=event["eventId"],
                        )
            except self._logs.exceptions.ResourceNotFoundException:
                return


def _narrowed(choice: Choice) -> dict[str, str]:
    """What CloudWatch can choose by itself: a stream by the beginning of its name, and a phrase."""
    found = {}
    if choice.replica:
        found["logStreamNamePrefix"] = f"{choice.replica}/{choice.source or ''}"
    if choice.text:
        escaped = choice.text.replace("\\", "\\\\").replace('"', '\\"')
        found["filterPattern"] = f'"{escaped}"'
    return found
