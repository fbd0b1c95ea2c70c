"""The topic that alarms notify, and who gets the messages.

It isn't encrypted with a key: alarms can't publish to a topic under the AWS-managed key (its policy is closed
to CloudWatch), a key of one's own costs a dollar a month and outlives `destroy` by a week, and a message says
no more than an alarm's name and its numbers. docs/decisions has the argument.
"""

import hashlib
import json
from collections.abc import Sequence

from constructs import Construct

from infra.environment import names
from modules.bindings.aws.sns_topic import SnsTopic
from modules.bindings.aws.sns_topic_policy import SnsTopicPolicy
from modules.bindings.aws.sns_topic_subscription import SnsTopicSubscription
from modules.identity.instance_role import partition


class AlarmTopic(Construct):
    """The topic with its policy and its subscriptions."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        region: str,
        account: str,
        notify: Sequence[str],
    ) -> None:
        super().__init__(scope, id_)
        name = names.topic(environment)
        self.topic = SnsTopic(self, "topic", name=name, tags={"Name": name})
        where = f"{partition(region)}:cloudwatch:{region}:{account}"
        alarms = f"arn:{where}:alarm:{names.alarm(environment, None, '*')}"
        SnsTopicPolicy(self, "policy", arn=self.topic.arn, policy=_policy(self.topic, account, alarms))
        for target in dict.fromkeys(notify):
            SnsTopicSubscription(
                self,
                f"to_{hashlib.sha256(target.encode()).hexdigest()[:8]}",
                topic_arn=self.topic.arn,
                protocol=_protocol(target),
                endpoint=target,
                # Whoever gets the messages confirms that they want them; an apply doesn't wait for people.
                endpoint_auto_confirms=False,
            )


def _protocol(target: str) -> str:
    scheme, separator, _ = target.partition("://")
    return scheme if separator else "email"


def _policy(topic: SnsTopic, account: str, alarms: str) -> str:
    publish = {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic.arn,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": alarms},
        },
    }
    encrypted = {
        "Sid": "Encrypted",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic.arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [publish, encrypted]})
