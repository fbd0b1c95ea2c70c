"""The bucket that holds Terraform's state: made once for an account and region, and safe to make again.

Each property is read first and written only when it differs, so that a second run changes nothing and says
so. A bucket of that name that belongs to someone else is refused. Nothing here ever deletes.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.aws.session import Session, error_code, translated
from infra.errors import Refused

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PublicAccessBlockConfigurationTypeDef

TAGS: Mapping[str, str] = {"llmctl:purpose": "terraform-state"}
_FIRST_REGION = "us-east-1"
"""The one region that may not be named as a location."""
_PRIVATE: "PublicAccessBlockConfigurationTypeDef" = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_ABSENT = (
    "NoSuchBucketPolicy",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "ServerSideEncryptionConfigurationNotFoundError",
)


@dataclass(frozen=True)
class Done:
    """One property of the bucket."""

    what: str
    changed: bool
    """False: it was already so."""


class StateBucket:
    """One state bucket."""

    def __init__(self, session: Session, name: str) -> None:
        self.name = name
        self._region = session.region
        self._account = session.account
        self._arn = f"arn:{session.partition}:s3:::{name}"
        self._s3 = session.s3

    def ensure(self) -> tuple[Done, ...]:
        """Create or complete the bucket; raises `Refused` when the name is taken by another account."""
        with translated(f"preparing the state bucket {self.name}"):
            return (
                Done("bucket", self._create()),
                Done("versioning", self._version()),
                Done("encryption", self._encrypt()),
                Done("no public access", self._close()),
                Done("TLS only", self._demand_tls()),
                Done("tags", self._tag()),
            )

    def exists(self) -> bool:
        """Whether the bucket is there and ours; raises `Refused` when it is another account's."""
        with translated(f"looking for the state bucket {self.name}"):
            try:
                self._s3.head_bucket(Bucket=self.name, ExpectedBucketOwner=self._account)
            except ClientError as error:
                if error_code(error) == "404":
                    return False
                if error_code(error) == "403":
                    raise _taken(self.name) from error
                raise
        return True

    def _create(self) -> bool:
        if self.exists():
            return False
        try:
            if self._region == _FIRST_REGION:
                self._s3.create_bucket(Bucket=self.name)
            else:
                where: Any = {"LocationConstraint": self._region}
                self._s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=where)
        except ClientError as error:
            if error_code(error) == "BucketAlreadyExists":
                raise _taken(self.name) from error
            if error_code(error) != "BucketAlreadyOwnedByYou":
                raise
            return False
        return True

    def _version(self) -> bool:
        if self._s3.get_bucket_versioning(Bucket=self.name).get("Status") == "Enabled":
            return False
        self._s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        return True

    def _encrypt(self) -> bool:
        # AWS encrypts every bucket by itself since 2023; a stronger key that someone chose is left alone.
        if _found(lambda: self._s3.get_bucket_encryption(Bucket=self.name)):
            return False
        self._s3.put_bucket_encryption(
            Bucket=self.name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        return True

    def _close(self) -> bool:
        found = _found(lambda: self._s3.get_public_access_block(Bucket=self.name))
        if found and found["PublicAccessBlockConfiguration"] == _PRIVATE:
            return False
        self._s3.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=_PRIVATE)
        return True

    def _demand_tls(self) -> bool:
        found = _found(lambda: self._s3.get_bucket_policy(Bucket=self.name))
        policy: dict[str, Any] = json.loads(found["Policy"]) if found else {"Version": "2012-10-17"}
        statements = policy.get("Statement", [])
        wanted = self._tls_statement()
        if any(statement.get("Sid") == wanted["Sid"] for statement in statements):
            return False
        # Someone may have added statements of their own: keep them.
        policy["Statement"] = [*statements, wanted]
        self._s3.put_bucket_policy(Bucket=self.name, Policy=json.dumps(policy))
        return True

    def _tls_statement(self) -> dict[str, Any]:
        return {
            "Sid": "LlmctlTlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [self._arn, f"{self._arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }

    def _tag(self) -> bool:
        found = _found(lambda: self._s3.get_bucket_tagging(Bucket=self.name))
        tags = {tag["Key"]: tag["Value"] for tag in found["TagSet"]} if found else {}
        if TAGS.items() <= tags.items():
            return False
        wanted = [{"Key": key, "Value": value} for key, value in {**tags, **TAGS}.items()]
        self._s3.put_bucket_tagging(Bucket=self.name, Tagging={"TagSet": wanted})  # type: ignore[typeddict-item]
        return True


def _found(read: Callable[[], Any]) -> Any:
    """What a property is, or None when the bucket doesn't have it."""
    try:
        return read()
    except ClientError as error:
        if error_code(error) not in _ABSENT:
            raise
        return None


def _taken(name: str) -> Refused:
    return Refused(
        f"the bucket {name} exists, and is not this account's or not accessible to it",
        hint="check which account the credentials are of, and their s3 permissions",
    )
