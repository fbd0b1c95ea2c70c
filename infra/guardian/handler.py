"""The function: invoked once a minute, and at once when the market or a group says that something changed.

It is told its environment's name; everything else is in the table.
"""

import os
from datetime import datetime
from typing import Any

from infra.aws.session import Session
from infra.clock import SystemClock
from infra.guardian.cloud import AwsCloud
from infra.guardian.config import VARIABLE
from infra.guardian.guardian import Clock, Guardian

_EC2 = "aws.ec2"


def run(event: Any, session: Session, environment: str, clock: Clock) -> None:
    """Remember what the event says of an instance, then look at every model.

    Every `aws.ec2` event that reaches the function is bad news of the instance in it: a notice, a rebalance
    recommendation, or its end.
    """
    cloud = AwsCloud(session, environment)
    if event.get("source") == _EC2:
        at = datetime.fromisoformat(event["time"]).timestamp()
        if not cloud.remember(event["detail"]["instance-id"], at):
            return  # some other instance of the account
    Guardian(cloud, clock).look()


_session: list[Session] = []


def handle(event: Any, context: object) -> None:
    """Lambda's entry point; clients are kept while the function is warm."""
    if not _session:
        _session.append(Session(os.environ["AWS_REGION"], os.environ))
    run(event, _session[0], os.environ[VARIABLE], SystemClock())
