"""One way to AWS: clients with sane timeouts, an endpoint from a mapping, and errors in our own words.

Where a client connects to is decided by the mapping that the caller passes (`os.environ`, or the variables of
an embedded cloud), never by changing the environment of this process: two clouds can be used side by side.
Adapters in this package wrap their calls in `translated`, so no botocore exception leaves it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore import exceptions as aws
from botocore.config import Config

from infra.errors import ExitCode, LlmctlError, Refused

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

CREDENTIALS_HINT = (
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `aws sso login` renews a session"
)
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
_BAD_CREDENTIALS = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
_NO_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.UnauthorizedSSOTokenError,
    aws.SSOTokenLoadError,
)
_BUSY = ("RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException")
_SERVER_ERROR = 500
_LOOPBACK = re.compile(r"\b127(\.\d{1,3}){3}\b")
"""Each embedded cloud has addresses of its own there."""
_EC2_VENDOR = Path("/sys/class/dmi/id/sys_vendor")


class Session:
    """Typed, cached boto3 clients for one region and one place (AWS, or an emulated cloud).

    `environment` holds what one would export for the `aws` command: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE. With no keys in it the usual chain of credentials
    applies, less the instance metadata service when this machine is no EC2 instance (asking it would hang).
    `attempts`: how often a call is tried; fewer for those who ask again anyway. `read_timeout`: seconds that
    a try may wait for its answer.
    """

    autoscaling: cached_property["AutoScalingClient"] = cached_property(
        lambda self: self.client("autoscaling")
    )
    cloudwatch: cached_property["CloudWatchClient"] = cached_property(lambda self: self.client("cloudwatch"))
    dynamodb: cached_property["DynamoDBClient"] = cached_property(lambda self: self.client("dynamodb"))
    ec2: cached_property["EC2Client"] = cached_property(lambda self: self.client("ec2"))
    elbv2: cached_property["ElasticLoadBalancingv2Client"] = cached_property(
        lambda self: self.client("elbv2")
    )
    iam: cached_property["IAMClient"] = cached_property(lambda self: self.client("iam"))
    logs: cached_property["CloudWatchLogsClient"] = cached_property(lambda self: self.client("logs"))
    s3: cached_property["S3Client"] = cached_property(lambda self: self.client("s3"))
    secretsmanager: cached_property["SecretsManagerClient"] = cached_property(
        lambda self: self.client("secretsmanager")
    )
    ssm: cached_property["SSMClient"] = cached_property(lambda self: self.client("ssm"))
    sts: cached_property["STSClient"] = cached_property(lambda self: self.client("sts"))

    def __init__(
        self, region: str, environment: Mapping[str, str], *, attempts: int = 5, read_timeout: float = 30.0
    ) -> None:
        self.region = region
        self._environment = environment
        self._attempts = attempts
        self._read_timeout = read_timeout
        self.endpoint = environment.get("AWS_ENDPOINT_URL") or None
        with translated("reading the AWS configuration"):
            self._boto3 = _boto3_session(region, environment)

    def client(self, service: str, *, region: str | None = None, config: Config | None = None) -> Any:
        """Make a client of a service that has no typed attribute here.

        `region`: where its endpoint is, if it is elsewhere; `config` adds to the usual one.
        """
        create: Any = self._boto3.client
        with translated(f"preparing to call {service}"):
            merged = self._config().merge(config or Config())
            return create(service, region_name=region, endpoint_url=self.endpoint, config=merged)

    @cached_property
    def bounded(self) -> "Session":
        """The same place, with calls that end well within a minute, one way or another.

        Three tries of 5 s to connect and 10 s to read, and the pauses between: under 50 s. For those who
        hold a lease, which must outlive what they do.
        """
        bounded = Session(self.region, self._environment, attempts=3, read_timeout=10.0)
        bounded._boto3 = self._boto3  # with its credentials: who has to type a code does so once
        return bounded

    @property
    def credential_source(self) -> str | None:
        """Where the chain of credentials finds some (env, shared-credentials-file, sso...); None: nowhere.

        Asks no network but that of single sign-on or of a role.
        """
        with translated("looking for AWS credentials"):
            found = self._boto3.get_credentials()
            return found.method if found else None

    @cached_property
    def account(self) -> str:
        """The account that the credentials belong to, 12 digits; raises `Refused` without credentials."""
        with translated("asking AWS who we are"):
            return self.sts.get_caller_identity()["Account"]

    @property
    def partition(self) -> str:
        """The region's part of AWS, as ARNs name it: aws, aws-cn or aws-us-gov."""
        return self._boto3.get_partition_for_region(self.region)

    def _config(self) -> Config:
        return Config(
            connect_timeout=5,
            read_timeout=self._read_timeout,
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            user_agent_extra=f"llmctl/{_version()}",
            # A proxy can't reach the loopback address of a cloud on this machine.
            proxies={} if self.endpoint else None,
        )


@contextmanager
def translated(doing: str, *, changes: bool = False) -> Iterator[None]:
    """Turn botocore's exceptions into `LlmctlError`; also a decorator. `doing`: "reading the table x".

    `changes`: with no answer, or one that says that the service failed, nobody knows whether the change was
    made: the error's code tells so then.
    """
    try:
        yield
    except aws.ClientError as error:
        raise _from_answer(doing, error, changes=changes) from error
    except _NO_CREDENTIALS as error:
        raise Refused(f"{doing}: no AWS credentials: {error}", hint=CREDENTIALS_HINT) from error
    except aws.ProfileNotFound as error:
        raise Refused(f"{doing}: {error}", hint="AWS_PROFILE must name a profile of ~/.aws/config") from error
    except (aws.HTTPClientError, aws.ConnectionError) as error:
        code = ExitCode.OUTCOME_UNKNOWN if changes else ExitCode.FAILED
        raise LlmctlError(f"{doing}: can't reach AWS: {error}", hint=_reach_hint(error), code=code) from error
    except aws.BotoCoreError as error:
        raise LlmctlError(f"{doing}: {error}") from error


def error_code(error: aws.ClientError) -> str:
    """AWS's own code of a refused call, such as ResourceNotFoundException or 404."""
    return error.response.get("Error", {}).get("Code", "")


def _from_answer(doing: str, error: aws.ClientError, *, changes: bool) -> LlmctlError:
    code, message = error_code(error), error.response.get("Error", {}).get("Message", "")
    if code in _DENIED:
        named = re.search(r"not authorized to perform: ([\w-]+:\w+)", message)
        action = named[1] if named else error.operation_name
        return Refused(
            f"{doing}: AWS denied {action}: {message}",
            hint=f"allow {action} in the IAM policy of this identity",
        )
    if code in _BAD_CREDENTIALS:
        return Refused(f"{doing}: AWS did not accept the credentials: {message}", hint=CREDENTIALS_HINT)
    failed = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR
    return LlmctlError(
        f"{doing}: AWS answered {code} to {error.operation_name}: {message}",
        # A service that is too busy may say so with 503 as well, but then it has done nothing.
        code=ExitCode.OUTCOME_UNKNOWN if changes and failed and code not in _BUSY else ExitCode.FAILED,
    )


def _reach_hint(error: Exception) -> str:
    if _LOOPBACK.search(str(error)) and not isinstance(error, aws.ProxyConnectionError):
        return "the embedded cloud is not running: `llmctl local up NAME` starts it"
    return "check the network, the proxy settings and the region's name"


def _boto3_session(region: str, environment: Mapping[str, str]) -> boto3.Session:
    key = environment.get("AWS_ACCESS_KEY_ID") or None
    # With keys in hand no profile is needed, and an AWS_PROFILE that doesn't exist must not get in the way.
    inner = botocore.session.Session(session_vars={"profile": (None, None, None, None)} if key else None)
    if not key and environment.get("AWS_PROFILE"):
        inner.set_config_variable("profile", environment["AWS_PROFILE"])
    if not _on_ec2():
        inner.get_component("credential_provider").remove("iam-role")
    return boto3.Session(
        aws_access_key_id=key,
        aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY") if key else None,
        aws_session_token=environment.get("AWS_SESSION_TOKEN") if key else None,
        region_name=region,
        botocore_session=inner,
    )


def _on_ec2() -> bool:
    try:
        return "Amazon" in _EC2_VENDOR.read_text()
    except OSError:
        return False


def _version() -> str:
    try:
        return version("llmctl-toolkit")
    except PackageNotFoundError:
        return "0"
