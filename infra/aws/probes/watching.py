"""What watches and what runs by itself: alarms, dashboards, topics, functions and their rules."""

from collections.abc import Iterator
from datetime import datetime

from infra.aws.probes.scope import Scope, tags_of
from infra.aws.probes.storage import named_function
from infra.aws.session import Session
from infra.environment import names
from infra.observability.cloudwatch_dashboard import environment_of
from infra.teardown.types import Resource


def alarms(session: Session, scope: Scope) -> Iterator[Resource]:
    """An environment's prefix may also be that of a longer name, so tags decide.

    Target tracking makes alarms of its own; they carry no tag and go with their policy.
    """
    pages = session.cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=names.stack(scope.environment or ""), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    for page in pages:
        for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])):
            told = session.cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
            if owner := scope.owner(tags_of(told)):
                changed = alarm.get("AlarmConfigurationUpdatedTimestamp")
                yield Resource(owner, "cloudwatch alarm", alarm["AlarmName"], changed)


def dashboards(session: Session, scope: Scope) -> Iterator[Resource]:
    """Dashboards carry no tags: the title in them tells whose they are, the name alone could mislead."""
    pages = session.cloudwatch.get_paginator("list_dashboards").paginate(
        DashboardNamePrefix=names.stack(scope.environment or "")
    )
    for page in pages:
        for dashboard in page["DashboardEntries"]:
            name = dashboard["DashboardName"]
            body = session.cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
            titled = environment_of(body)
            if not f"{name}-".startswith(f"{names.dashboard(titled)}-"):
                continue
            if owner := scope.owner({}, titled):
                yield Resource(owner, "cloudwatch dashboard", name, dashboard.get("LastModified"))


def topics(session: Session, scope: Scope) -> Iterator[Resource]:
    """Topics that alarms notify."""
    sns, prefix = session.client("sns"), names.topic("")
    for page in sns.get_paginator("list_topics").paginate():
        for topic in page["Topics"]:
            name = topic["TopicArn"].rpartition(":")[2]
            if name.startswith(prefix):
                told = sns.list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"]
                if owner := scope.owner(tags_of(told), name.removeprefix(prefix)):
                    yield Resource(owner, "sns topic", topic["TopicArn"])


def functions(session: Session, scope: Scope) -> Iterator[Resource]:
    """Functions, and the rules that invoke them."""
    lambdas, events = session.client("lambda"), session.client("events")
    prefix = names.stack("")
    for page in lambdas.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name = function["FunctionName"]
            if name.startswith(prefix):
                tags = lambdas.list_tags(Resource=function["FunctionArn"])["Tags"]
                if owner := scope.owner(tags, named_function(name)):
                    changed = datetime.fromisoformat(function["LastModified"])
                    yield Resource(owner, "lambda function", name, changed)
    for page in events.get_paginator("list_rules").paginate(NamePrefix=prefix):
        for rule in page["Rules"]:
            told = events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
            if owner := scope.owner(tags_of(told)):
                yield Resource(owner, "event rule", rule["Name"])
