"""Alarms: evaluated in time, with history, and with actions that arrive."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.embedded.aws import cloudwatch, sns
from infra.embedded.aws.pace import PACE

_ACCOUNT, _REGION = "123456789012", "us-east-1"
_POLICY = "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:id:autoScalingGroupName/g:policyName/p"


class Minutes:
    """The minutes of a test, with a metric in them."""

    def __init__(self, cloud: Any) -> None:
        self.client = cloud.client("cloudwatch")
        self.start = time.time() // 60 * 60 + 60

    def record(self, minute: int, value: float) -> None:
        """Add a datapoint in the middle of a minute."""
        at = self.start + minute * 60 + 30
        cloudwatch.record(_ACCOUNT, _REGION, "test", "load", {}, [(value, 1.0)], at)

    def end(self, minute: int) -> None:
        """Let a minute be over."""
        cloudwatch.evaluate(self.start + (minute + 1) * 60 + 1.5)

    def alarm(self, name: str = "busy", **more: Any) -> None:
        """Create an alarm on the metric."""
        metric = {} if "Metrics" in more else {"Namespace": "test", "MetricName": "load"}
        timing = {} if "Metrics" in more else {"Period": 60, "Statistic": "Average"}
        self.client.put_metric_alarm(
            AlarmName=name,
            **{**metric, **timing, "EvaluationPeriods": 2, "Threshold": 5.0},
            ComparisonOperator="GreaterThanThreshold",
            **more,
        )

    def state(self, name: str = "busy") -> str:
        """Return an alarm's state."""
        found = self.client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        (alarm,) = found["MetricAlarms"] + found["CompositeAlarms"]
        return str(alarm["StateValue"])


@pytest.fixture
def minutes(cloud: Any) -> Minutes:
    """Return minutes that have not begun."""
    return Minutes(cloud)


@pytest.fixture
def actions() -> Iterator[list[cloudwatch.Transition]]:
    """Collect what alarms tell autoscaling."""
    from infra.embedded.aws import autoscaling_act

    taken: list[cloudwatch.Transition] = []
    cloudwatch.on_action("arn:aws:autoscaling:", lambda arn, transition, now: taken.append(transition))
    yield taken
    cloudwatch.on_action("arn:aws:autoscaling:", autoscaling_act.act)


def test_alarm_goes_through_its_states(minutes: Minutes) -> None:
    """It begins without data, alarms when enough datapoints breach, and is fine when they don't."""
    minutes.alarm()
    assert minutes.state() == "INSUFFICIENT_DATA"
    states = []
    for minute, value in enumerate([1.0, 9.0, 9.0, 1.0]):
        minutes.record(minute, value)
        minutes.end(minute)
        states.append(minutes.state())
    assert states == ["OK", "OK", "ALARM", "OK"]
    (alarm,) = minutes.client.describe_alarms(AlarmNames=["busy"])["MetricAlarms"]
    assert "was not greater than the threshold (5.0)" in alarm["StateReason"]
    history = minutes.client.describe_alarm_history(AlarmName="busy", HistoryItemType="StateUpdate")
    assert [item["HistorySummary"] for item in history["AlarmHistoryItems"]] == [
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
    ]


def test_unfinished_period_is_not_judged(minutes: Minutes) -> None:
    """A datapoint counts when its minute is over."""
    minutes.alarm()
    minutes.record(0, 9.0)
    cloudwatch.evaluate(minutes.start + 59.0)
    assert minutes.state() == "INSUFFICIENT_DATA"


def test_scaling_action_repeats_each_period_and_carries_the_values(
    minutes: Minutes, actions: list[cloudwatch.Transition]
) -> None:
    """For Auto Scaling an action is invoked in every period ("Alarm actions" of the user guide)."""
    minutes.alarm(AlarmActions=[_POLICY])
    for minute in range(4):
        minutes.record(minute, 9.0 + minute)
        for _ in range(2):
            minutes.end(minute)
    assert [(one.old, one.new, one.values) for one in actions] == [
        ("INSUFFICIENT_DATA", "ALARM", (9.0, 10.0)),
        ("ALARM", "ALARM", (10.0, 11.0)),
        ("ALARM", "ALARM", (11.0, 12.0)),
    ]
    assert actions[0].threshold == 5.0


def test_disabled_actions_change_the_state_only(
    minutes: Minutes, actions: list[cloudwatch.Transition]
) -> None:
    """An alarm whose actions are off says what it knows and does nothing."""
    minutes.alarm(AlarmActions=[_POLICY])
    minutes.client.disable_alarm_actions(AlarmNames=["busy"])
    for minute in range(2):
        minutes.record(minute, 9.0)
        minutes.end(minute)
    assert (minutes.state(), actions) == ("ALARM", [])


def test_math_alarm_compares_the_expression(minutes: Minutes) -> None:
    """The one query that returns data is what the threshold is for."""
    metric = {"Metric": {"Namespace": "test", "MetricName": "load"}, "Period": 60, "Stat": "Sum"}
    queries = [
        {"Id": "m1", "MetricStat": metric, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 10", "Label": "ten times", "ReturnData": True},
    ]
    minutes.alarm(Metrics=queries)
    for minute in range(2):
        minutes.record(minute, 1.0)
        minutes.end(minute)
    assert minutes.state() == "ALARM"


def test_alarm_lives_in_emulated_time(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    """At speed 10 a minute is over after six seconds."""
    monkeypatch.setattr(PACE, "speed", 10.0)
    monkeypatch.setattr(PACE, "origin", minutes.start)
    minutes.alarm()
    for period in range(2):
        cloudwatch.record(_ACCOUNT, _REGION, "test", "load", {}, [(9.0, 1.0)], minutes.start + period * 6 + 3)
    cloudwatch.evaluate(minutes.start + 11.9)
    assert minutes.state() != "ALARM"
    cloudwatch.evaluate(minutes.start + 13.1)
    assert minutes.state() == "ALARM"


def test_composite_alarm_follows_its_rule(minutes: Minutes) -> None:
    """It moves with the alarms that it names, and refuses those that don't exist."""
    minutes.alarm("one")
    minutes.alarm("two")
    with pytest.raises(ClientError, match="do not exist: three"):
        minutes.client.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("three")')
    minutes.client.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("one") AND NOT ALARM("two")')
    cloudwatch.evaluate(minutes.start - 60)
    minutes.client.set_alarm_state(AlarmName="one", StateValue="ALARM", StateReason="test")
    cloudwatch.evaluate(minutes.start - 60)
    assert minutes.state("both") == "ALARM"
    minutes.client.set_alarm_state(AlarmName="two", StateValue="ALARM", StateReason="test")
    cloudwatch.evaluate(minutes.start - 60)
    assert minutes.state("both") == "OK"
    assert minutes.client.describe_alarms()["CompositeAlarms"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"DatapointsToAlarm": 3},
        {"TreatMissingData": "perhaps"},
        {"Period": 45},
        {"Metrics": [{"Id": "e1", "Expression": "NOPE(m1)"}], "MetricName": None},
        {"Metrics": [{"Id": "e1", "Expression": "SUM(SEARCH('load', 'Sum', 60))"}], "MetricName": None},
    ],
)
def test_wrong_alarm_is_refused(minutes: Minutes, wrong: dict[str, Any]) -> None:
    """What can't be evaluated is refused when it is put."""
    parameters: dict[str, Any] = {
        "AlarmName": "wrong",
        "Namespace": "test",
        "MetricName": "load",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **wrong,
    }
    with pytest.raises(ClientError) as error:
        minutes.client.put_metric_alarm(**{name: value for name, value in parameters.items() if value})
    assert error.value.response["Error"]["Code"] == "ValidationError"


def test_changed_alarm_keeps_its_state_and_tags(minutes: Minutes) -> None:
    """Putting an alarm again replaces what it watches, not what it knows."""
    minutes.alarm(Tags=[{"Key": "owner", "Value": "me"}])
    minutes.client.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="test")
    minutes.alarm(AlarmDescription="changed")
    (alarm,) = minutes.client.describe_alarms(AlarmNames=["busy"])["MetricAlarms"]
    assert (alarm["StateValue"], alarm["AlarmDescription"]) == ("ALARM", "changed")
    assert minutes.client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"] == [
        {"Key": "owner", "Value": "me"}
    ]


class Hook(BaseHTTPRequestHandler):
    """A web hook that keeps what it gets."""

    received: "list[dict[str, Any]]"

    def do_POST(self) -> None:
        """Take a message."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received.append(json.loads(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve a web hook; return its address and what it received."""
    Hook.received = []
    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", Hook.received
    server.shutdown()
    thread.join()
    server.server_close()


def test_topic_tells_web_hooks_and_the_mailbox(
    cloud: Any, minutes: Minutes, hook: tuple[str, list[dict[str, Any]]]
) -> None:
    """An alarm's change arrives in the form that CloudWatch gives it, without holding up the cloud."""
    address, received = hook
    topics = cloud.client("sns")
    topic = topics.create_topic(Name="alarms")["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="http", Endpoint=address)
    topics.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://example.com/hook")
    topics.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    sns.MAILBOX.clear()
    minutes.alarm(AlarmActions=[topic], AlarmDescription="too busy")
    minutes.client.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="test")
    deadline = time.monotonic() + 10
    while not received:
        assert time.monotonic() < deadline, "no delivery"
        time.sleep(0.02)
    assert (received[0]["Type"], received[0]["TopicArn"]) == ("Notification", topic)
    said = json.loads(received[0]["Message"])
    assert said["AlarmName"] == "busy"
    assert (said["OldStateValue"], said["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert said["Region"] == "US East (N. Virginia)"
    assert said["Trigger"]["MetricName"] == "load"
    assert said["Trigger"]["Statistic"] == "AVERAGE"
    (mail,) = sns.MAILBOX
    assert mail.subject == 'ALARM: "busy" in US East (N. Virginia)'
    assert json.loads(mail.message) == said
