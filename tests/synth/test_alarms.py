"""Alarms, who is told, and what scales: as CloudWatch and EC2 Auto Scaling get them."""

import json
from collections.abc import Callable
from typing import Any

from infra.environment.model import Environment
from tests.synth.synthesis import REGION, VARIANTS, Stack, environment, model

Synth = Callable[[Environment], Stack]


def _alarms(stack: Stack) -> dict[str, dict[str, Any]]:
    return {each["alarm_name"]: each for _, each in stack.resources("aws_cloudwatch_metric_alarm")}


def _policies(stack: Stack) -> dict[str, dict[str, Any]]:
    return {
        address.partition("aws_autoscaling_policy.model_chat_")[2]: each
        for address, each in stack.resources("aws_autoscaling_policy")
    }


def test_every_alarm_says_what_silence_means(variant: Stack) -> None:
    """No alarm is left to CloudWatch's default, and each points to its entry in the documentation."""
    for name, alarm in _alarms(variant).items():
        assert alarm["treat_missing_data"] in ("breaching", "notBreaching", "ignore", "missing"), name
        assert "docs/operations.md explains it" in alarm["alarm_description"], name
        assert len(alarm["alarm_description"]) <= 1024, name
        assert alarm["datapoints_to_alarm"] <= alarm["evaluation_periods"], name


def test_alarms_watch_a_metric_or_an_expression(variant: Stack) -> None:
    """Of all queries, the expression alone is what is compared; CloudWatch takes ten metrics."""
    for name, alarm in _alarms(variant).items():
        queries = alarm.get("metric_query", [])
        assert bool(queries) is not ("metric_name" in alarm), name
        returned = [each for each in queries if each["return_data"]]
        assert ["expression" in each for each in returned] == ([True] if queries else []), name
        assert sum("metric" in each for each in queries) <= 10, name


def test_all_that_may_wake_somebody_tells_the_topic(variant: Stack) -> None:
    """Alarms notify when they fire and when they are over, or feed a composite that does, or act."""
    topic = ["${aws_sns_topic.alarms_topic.arn}"]
    rules = " ".join(each["alarm_rule"] for _, each in variant.resources("aws_cloudwatch_composite_alarm"))
    for _, composite in variant.resources("aws_cloudwatch_composite_alarm"):
        assert composite["alarm_actions"] == composite["ok_actions"] == topic
    for name, alarm in _alarms(variant).items():
        if alarm.get("alarm_actions") == topic:
            assert alarm["ok_actions"] == topic, name
        else:
            assert f'ALARM("{name}")' in rules, name


def test_composites_exist_after_what_they_watch(variant: Stack) -> None:
    """CloudWatch refuses a rule over an alarm that isn't there, and to delete one that is watched."""
    addresses = {
        each["alarm_name"]: address for address, each in variant.resources("aws_cloudwatch_metric_alarm")
    }
    for address, composite in variant.resources("aws_cloudwatch_composite_alarm"):
        watched = [name for name in addresses if f'("{name}")' in composite["alarm_rule"]]
        assert watched, address
        assert {addresses[name] for name in watched} == {*composite["depends_on"]}, address


def test_only_the_environments_alarms_publish(variant: Stack, spec: Environment) -> None:
    """The topic takes messages of this account's alarms of this environment, over TLS, and nobody else's."""
    publish, encrypted = json.loads(variant.one("aws_sns_topic_policy")["policy"])["Statement"]
    assert publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    source = publish["Condition"]["ArnLike"]["aws:SourceArn"]
    assert source.endswith(f":alarm:llmctl-{spec.environment}-*")
    assert publish["Condition"]["StringEquals"]["aws:SourceAccount"].startswith("${data.aws_caller_identity")
    assert (encrypted["Effect"], encrypted["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_who_is_told(synth: Synth) -> None:
    """Mail and webhooks; an apply doesn't wait until somebody has confirmed."""
    stack = synth(VARIANTS["watched"])
    found = {each["endpoint"]: each for _, each in stack.resources("aws_sns_topic_subscription")}
    assert {endpoint: each["protocol"] for endpoint, each in found.items()} == {
        "oncall@example.com": "email",
        "https://hooks.example.com/llm": "https",
    }
    assert not any(each["endpoint_auto_confirms"] for each in found.values())


def test_adding_a_reader_moves_no_other(synth: Synth) -> None:
    """A subscription that was replaced would have to be confirmed again."""
    one = synth(environment(monitoring={"notify": ["b@example.com"]}))
    two = synth(environment(monitoring={"notify": ["a@example.com", "b@example.com"]}))
    before = dict(one.resources("aws_sns_topic_subscription"))
    assert dict(two.resources("aws_sns_topic_subscription")).items() >= before.items()


def test_groups_publish_what_alarms_watch(variant: Stack) -> None:
    """Sizes are metrics only where the group is told to publish them."""
    watched = {
        query["metric"]["metric_name"]
        for alarm in _alarms(variant).values()
        for query in alarm.get("metric_query", [])
        if query.get("metric", {}).get("namespace") == "AWS/AutoScaling"
    }
    for address, group in variant.resources("aws_autoscaling_group"):
        assert {*group["enabled_metrics"]} >= watched, address


def test_agents_publish_as_often_as_alarms_count(synth: Synth) -> None:
    """The interval reaches the agents by their configuration."""
    (text,) = synth(VARIANTS["watched"]).user_data()
    assert '"interval_seconds":10' in text
    assert '"scrape":true' in text


def test_scaling_by_the_agents_metrics(synth: Synth) -> None:
    """A gauge is tracked as an average of the slot's replicas; scale-in and warm-up are the file's."""
    scaling = {"metric": "concurrency", "target": 4, "scale_in": False, "warmup": "3m"}
    policy = _policies(synth(environment({"chat": model(scaling=scaling)})))["scaling_green_policy"]
    tracking = policy["target_tracking_configuration"]
    assert (policy["name"], policy["estimated_instance_warmup"]) == ("concurrency", 180)
    assert (tracking["target_value"], tracking["disable_scale_in"]) == (4, True)
    metric = tracking["customized_metric_specification"]
    assert (metric["namespace"], metric["metric_name"], metric["statistic"]) == (
        "llmctl",
        "InFlight",
        "Average",
    )
    assert {"name": "slot", "value": "green"} in metric["metric_dimension"]


def test_scaling_by_an_expression(synth: Synth) -> None:
    """The expression over its terms is what is tracked; terms themselves are not."""
    policy = _policies(synth(VARIANTS["watched"]))["scaling_blue_policy"]
    metrics = policy["target_tracking_configuration"]["customized_metric_specification"]["metrics"]
    *terms, result = metrics
    assert [each["return_data"] for each in metrics] == [False] * len(terms) + [True]
    assert all(each["id"] in result["expression"] for each in terms)
    groups = [
        dimension["value"]
        for each in terms
        for dimension in each["metric_stat"]["metric"]["dimensions"]
        if dimension["name"] == "AutoScalingGroupName"
    ]
    assert groups == ["llmctl-test-chat-blue-spot", "llmctl-test-chat-blue-on-demand"]


def test_regions_are_the_environments(synth: Synth) -> None:
    """The policy names the region whose alarms may publish."""
    policy = synth(environment()).one("aws_sns_topic_policy")["policy"]
    assert f"arn:aws:cloudwatch:{REGION}:" in policy
