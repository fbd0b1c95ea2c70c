"""Calls that are refused on demand, as boto3 tells its callers, in every protocol that AWS speaks."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.embedded import aws
from infra.embedded.aws.faults import INJECTOR, Faults
from infra.embedded.aws.server import Server

CALLS = {
    "autoscaling": ("describe_auto_scaling_groups", "Throttling"),
    "cloudwatch": ("describe_alarms", "ThrottlingException"),
    "dynamodb": ("list_tables", "ProvisionedThroughputExceededException"),
    "ec2": ("describe_instances", "RequestLimitExceeded"),
    "elbv2": ("describe_load_balancers", "Throttling"),
    "lambda": ("list_functions", "ThrottlingException"),
    "s3": ("list_buckets", "SlowDown"),
    "sns": ("list_topics", "ThrottlingException"),
}
"""A service of each protocol: a read of it, and how it says that it is asked too much."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An emulated account."""
    server = Server()
    aws.reset()
    yield server.url
    server.stop()


@pytest.fixture(autouse=True)
def mercy() -> Iterator[None]:
    """No fault outlives its test."""
    yield
    INJECTOR.set(Faults())


def refusal(url: str, service: str) -> str:
    """The code of what boto3 says of a read of the service, asked once."""
    client = boto3.client(
        service,  # type: ignore[call-overload]
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        endpoint_url=url,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ClientError) as caught:
        getattr(client, CALLS[service][0])()
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("service", CALLS)
def test_each_service_throttles_in_its_own_words(url: str, service: str) -> None:
    """Retries and messages depend on the code that boto3 finds."""
    INJECTOR.set(Faults(throttle=1.0))
    assert refusal(url, service) == CALLS[service][1]


@pytest.mark.parametrize("service", CALLS)
def test_each_service_fails_as_a_server_does(url: str, service: str) -> None:
    """A failure inside AWS is told as such."""
    INJECTOR.set(Faults(errors=1.0))
    assert refusal(url, service) == "InternalFailure"
