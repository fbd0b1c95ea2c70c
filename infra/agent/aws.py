"""AWS clients for the agent: short time limits, few retries, and only the services it needs.

The agent must notice a spot notice within seconds, so no call may hang for longer than that. Credentials come
from the instance's role.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

SERVICES = ("autoscaling", "cloudwatch", "dynamodb", "elbv2", "logs", "s3", "secretsmanager", "sts")
"""The services whose models the bundle carries; sts serves credentials, not us."""


@dataclass(frozen=True)
class Clients:
    """One client a service."""

    autoscaling: "AutoScalingClient"
    cloudwatch: "CloudWatchClient"
    dynamodb: "DynamoDBClient"
    elbv2: "ElasticLoadBalancingv2Client"
    logs: "CloudWatchLogsClient"
    s3: "S3Client"
    secretsmanager: "SecretsManagerClient"


def connect(region: str) -> Clients:
    """Clients for a region. They are thread-safe; nothing is called yet."""
    import boto3
    from botocore.config import Config

    session = boto3.Session(region_name=region)
    quick = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    patient = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 5},
        max_pool_connections=16,
    )
    # One attempt: whoever sends metrics a second time after an unknown outcome counts them twice.
    once = Config(connect_timeout=2, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 1})
    return Clients(
        autoscaling=session.client("autoscaling", config=quick),
        cloudwatch=session.client("cloudwatch", config=once),
        dynamodb=session.client("dynamodb", config=quick),
        elbv2=session.client("elbv2", config=quick),
        logs=session.client("logs", config=quick),
        s3=session.client("s3", config=patient),
        secretsmanager=session.client("secretsmanager", config=quick),
    )


def aws_errors() -> tuple[type[Exception], ...]:
    """What a call to AWS raises when it fails: refused by the service, or not reached."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return (ClientError, BotoCoreError, Boto3Error, OSError)
