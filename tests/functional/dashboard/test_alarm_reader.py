"""Reading alarms from the emulated CloudWatch."""

from collections.abc import Iterator

import pytest

from infra.aws.alarms import AlarmReader
from infra.aws.session import Session
from infra.dashboard.types import AlarmPhase
from infra.embedded import aws
from infra.embedded.aws.server import Server


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """An emulated account."""
    server = Server()
    aws.reset()
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    yield Session("us-east-1", {**keys, "AWS_ENDPOINT_URL": server.url})
    server.stop()


def put_alarm(session: Session, name: str) -> None:
    """An alarm on a metric that nobody publishes."""
    session.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="llmctl",
        MetricName="Requests",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def test_alarms_with_phase_and_reason(session: Session) -> None:
    """What CloudWatch says of each alarm arrives, on more pages than one, and no other stack's."""
    alarms = [f"llmctl-test-chat-kind{number}" for number in range(120)]
    for name in [*alarms, "llmctl-other-chat-errors"]:
        put_alarm(session, name)
    session.cloudwatch.set_alarm_state(AlarmName=alarms[0], StateValue="ALARM", StateReason="too many")
    found = AlarmReader(session, "test").facts()
    assert set(found) == set(alarms)
    assert (found[alarms[0]].phase, found[alarms[0]].reason) == (AlarmPhase.ALARM, "too many")
    assert found[alarms[0]].since.tzinfo is not None
    assert found[alarms[1]].phase in (AlarmPhase.NO_DATA, AlarmPhase.OK)
    session.cloudwatch.delete_alarms(AlarmNames=[*alarms[:100]])


def test_composite_alarms_count(session: Session) -> None:
    """An outage is a composite alarm, and the first thing to look for."""
    put_alarm(session, "llmctl-comp-chat-errors")
    session.cloudwatch.put_composite_alarm(
        AlarmName="llmctl-comp-chat-outage", AlarmRule='ALARM("llmctl-comp-chat-errors")'
    )
    assert set(AlarmReader(session, "comp").facts()) == {"llmctl-comp-chat-errors", "llmctl-comp-chat-outage"}
