"""Reads the logs that agents ship: one CloudWatch log group a model, two streams an instance."""

from collections.abc import Iterator
from datetime import UTC, datetime

from infra.aws.session import Session, translated
from infra.deploy.types import LogLine
from infra.environment import names


class LogReader:
    """Reads a model's log group."""

    def __init__(self, session: Session, environment: str) -> None:
        self._logs = session.logs
        self._environment = environment

    def lines(self, model: str, *, since: datetime, replica: str | None = None) -> Iterator[LogLine]:
        """Lines of a model from `since` on, oldest first; of one replica, if given."""
        arguments = {
            "logGroupName": names.log_group(self._environment, model),
            "startTime": int(since.timestamp() * 1000),
        }
        if replica:
            arguments["logStreamNamePrefix"] = f"{replica}/"
        with translated(f"reading the logs of {model}"):
            paginate = self._logs.get_paginator("filter_log_events").paginate
            try:
                for page in paginate(**arguments):  # type: ignore[arg-type]
                    for event in page["events"]:
                        instance, _, source = event["logStreamName"].partition("/")
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
