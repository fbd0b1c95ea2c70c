"""What Terraform would create of a stack, put into the emulated cloud: topic, readers, alarms, policies.

Nothing is left out silently: an argument or a reference that isn't known here is an error.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.environment import names
from infra.environment.slots import Slot
from tests.synth.synthesis import Stack

Json = dict[str, Any]
Client = Callable[[str], Any]

_REFERENCE = re.compile(r"\$\{(?P<kind>\w+)\.(?P<name>[\w-]+)\.(?P<attribute>\w+)\}")
_SUFFIX = {
    "aws_lb": "app/{name}/0123456789abcdef",
    "aws_lb_target_group": "targetgroup/{name}/fedcba9876543210",
}
_PLAIN = {
    "alarm_name": "AlarmName",
    "alarm_description": "AlarmDescription",
    "comparison_operator": "ComparisonOperator",
    "threshold": "Threshold",
    "evaluation_periods": "EvaluationPeriods",
    "datapoints_to_alarm": "DatapointsToAlarm",
    "treat_missing_data": "TreatMissingData",
    "alarm_actions": "AlarmActions",
    "ok_actions": "OKActions",
    "namespace": "Namespace",
    "metric_name": "MetricName",
    "period": "Period",
    "statistic": "Statistic",
    "extended_statistic": "ExtendedStatistic",
    "alarm_rule": "AlarmRule",
}
_WITHOUT_MEANING = {"//", "tags", "depends_on"}


class Created:
    """A stack in an emulated cloud; references to what isn't created there have fixed texts."""

    def __init__(self, stack: Stack, client: Client) -> None:
        self._stack = stack
        self._client = client
        self._known: dict[tuple[str, str, str], str] = {}

    def watched(self, hook: str | None = None) -> "Created":
        """With its topic, readers and alarms. `hook` is where messages to web hooks go; nowhere without."""
        self._topic(hook)
        self._alarms()
        return self

    def balancer(self) -> str:
        """The load balancer's ARN suffix, as metrics have it."""
        return self._text(f"${{{self._address('aws_lb')}.arn_suffix}}")

    def target_group(self, environment: str, model: str, slot: Slot) -> str:
        """A slot's ARN suffix."""
        address = self._address("aws_lb_target_group", names.target_group(environment, model, slot))
        return self._text(f"${{{address}.arn_suffix}}")

    def policies(self) -> Iterator[Json]:
        """Parameters of PutScalingPolicy for each policy, its group by name."""
        for _, policy in self._stack.resources("aws_autoscaling_policy"):
            yield {
                "PolicyName": policy["name"],
                "PolicyType": policy["policy_type"],
                "AutoScalingGroupName": self._resolved(policy["autoscaling_group_name"]),
                "EstimatedInstanceWarmup": policy["estimated_instance_warmup"],
                "TargetTrackingConfiguration": self._capitals(policy["target_tracking_configuration"]),
            }

    def _topic(self, hook: str | None) -> None:
        ((address, topic),) = self._stack.resources("aws_sns_topic")
        kind, _, name = address.partition(".")
        arn = self._client("sns").create_topic(Name=topic["name"])["TopicArn"]
        self._known[kind, name, "arn"] = arn
        for _, reader in self._stack.resources("aws_sns_topic_subscription"):
            if reader["protocol"] == "http" and hook is None:
                continue
            endpoint = hook if reader["protocol"] == "http" else reader["endpoint"]
            self._client("sns").subscribe(
                TopicArn=self._resolved(reader["topic_arn"]), Protocol=reader["protocol"], Endpoint=endpoint
            )

    def _alarms(self) -> None:
        client = self._client("cloudwatch")
        for _, alarm in self._stack.resources("aws_cloudwatch_metric_alarm"):
            client.put_metric_alarm(**self._parameters(alarm))
        for _, composite in self._stack.resources("aws_cloudwatch_composite_alarm"):
            client.put_composite_alarm(**self._parameters(composite))

    def _parameters(self, arguments: Mapping[str, Any]) -> Json:
        parameters: Json = {}
        for name, value in arguments.items():
            if name == "dimensions":
                parameters["Dimensions"] = self._dimensions(value)
            elif name == "metric_query":
                parameters["Metrics"] = [self._query(query) for query in value]
            elif name not in _WITHOUT_MEANING:
                parameters[_PLAIN[name]] = self._resolved(value)
        return parameters

    def _query(self, query: Mapping[str, Any]) -> Json:
        common = {"Id": query["id"], "ReturnData": query["return_data"]}
        if "expression" in query:
            return {**common, "Expression": query["expression"], "Label": query["label"]}
        metric = query["metric"]
        return {
            **common,
            "MetricStat": {
                "Metric": {
                    "Namespace": metric["namespace"],
                    "MetricName": metric["metric_name"],
                    "Dimensions": self._dimensions(metric["dimensions"]),
                },
                "Period": metric["period"],
                "Stat": metric["stat"],
            },
        }

    def _dimensions(self, values: Mapping[str, str]) -> list[Json]:
        return [{"Name": name, "Value": self._resolved(value)} for name, value in values.items()]

    def _capitals(self, value: Any) -> Any:
        """Terraform's names of arguments as the API has them; `metric_dimension` is the odd one out."""
        if isinstance(value, dict):
            return {
                "".join(part.capitalize() for part in name.split("_")).replace(
                    "MetricDimension", "Dimensions"
                ): self._capitals(each)
                for name, each in value.items()
            }
        return [self._capitals(each) for each in value] if isinstance(value, list) else self._resolved(value)

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(each) for each in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        return _REFERENCE.sub(self._reference, text)

    def _reference(self, match: re.Match[str]) -> str:
        kind, name, attribute = match["kind"], match["name"], match["attribute"]
        if (kind, name, attribute) in self._known:
            return self._known[kind, name, attribute]
        called = str(dict(self._stack.resources(kind))[f"{kind}.{name}"]["name"])
        return {"name": called, "arn_suffix": _SUFFIX.get(kind, "")}[attribute].format(name=called)

    def _address(self, kind: str, called: str | None = None) -> str:
        (address,) = [
            address
            for address, arguments in self._stack.resources(kind)
            if called in (None, arguments["name"])
        ]
        return address
