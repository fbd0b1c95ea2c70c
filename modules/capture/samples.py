"""The bucket of captured requests and answers, and the one role that may read them.

An environment has it only when one of its models captures. Whoever may administer the account may administer
the bucket too, yet its policy refuses the objects' content to every identity but the reader's role, whatever
that identity's own policies allow. Keys say model, release, hour and instance: listing them is not refused,
because Terraform's own look at the bucket is the same permission.
"""

import json
from collections.abc import Mapping

from constructs import Construct

from infra.environment import names
from infra.environment.monitoring import Capture
from modules.bindings.aws.iam_role import IamRole
from modules.bindings.aws.iam_role_policy import IamRolePolicy
from modules.bindings.aws.s3_bucket import S3Bucket
from modules.bindings.aws.s3_bucket_lifecycle_configuration import Rule, S3BucketLifecycleConfiguration
from modules.bindings.aws.s3_bucket_policy import S3BucketPolicy
from modules.bindings.aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from modules.bindings.aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfiguration,
)
from modules.bindings.base import Resource
from modules.identity.instance_role import Statement, allow, document, partition


class Samples(Construct):
    """The bucket and its reader. `models`: those that capture, and how."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        region: str,
        account: str,
        models: Mapping[str, Capture],
        instances: IamRole,
        protect: bool,
    ) -> None:
        super().__init__(scope, id_)
        self._environment = environment
        self._account = f"arn:{partition(region)}:iam::{account}:root"
        # The name is made for an account of twelve digits, which may be known to Terraform only.
        digits = "0" * 12
        self.name = names.samples_bucket(digits, environment, region).replace(digits, account)
        self.bucket = S3Bucket(
            self, "bucket", bucket=self.name, force_destroy=not protect, tags={"Name": self.name}
        )
        self.reader = self._reader()
        self._guards()
        self._expire(models)
        self._writers(models, instances)

    def _reader(self) -> IamRole:
        """A role for people and jobs of the account whose own policies let them assume it."""
        trust: Statement = {
            "Effect": "Allow",
            "Principal": {"AWS": self._account},
            "Action": "sts:AssumeRole",
        }
        name = names.samples_role(self._environment)
        role = IamRole(
            self,
            "reader",
            name=name,
            description=f"Reads the captured requests and answers of {self._environment}",
            assume_role_policy=document([trust]),
            tags={"Name": name},
        )
        statements = [
            allow("List", ["s3:ListBucket"], [self.bucket.arn]),
            allow("Read", ["s3:GetObject"], [f"{self.bucket.arn}/*"]),
        ]
        IamRolePolicy(self, "read", name="samples", role=role.name, policy=document(statements))
        return role

    def _guards(self) -> None:
        closed = S3BucketPublicAccessBlock(
            self,
            "closed",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        S3BucketServerSideEncryptionConfiguration(
            self,
            "encryption",
            bucket=self.bucket.id,
            rule=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
        )
        # S3 refuses a policy while access is being closed.
        after: list[Resource] = [closed]
        S3BucketPolicy(self, "policy", bucket=self.bucket.id, policy=self._policy(), depends_on=after)

    def _policy(self) -> str:
        objects = f"{self.bucket.arn}/*"
        tls = self._deny("TlsOnly", "s3:*", [self.bucket.arn, objects])
        tls["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
        read = self._deny("ReaderOnly", ["s3:GetObject", "s3:GetObjectVersion"], [objects])
        read["Condition"] = {"ArnNotEquals": {"aws:PrincipalArn": self.reader.arn}}
        return json.dumps({"Version": "2012-10-17", "Statement": [tls, read]})

    def _deny(self, sid: str, actions: str | list[str], resources: list[str]) -> Statement:
        return {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resources}

    def _expire(self, models: Mapping[str, Capture]) -> None:
        S3BucketLifecycleConfiguration(
            self,
            "retention",
            bucket=self.bucket.id,
            rule=[
                self._rule(f"model-{model}", names.samples_prefix(model), capture.retention_days)
                for model, capture in models.items()
            ]
            # What a model left behind that captures no more; of two rules the shorter holds.
            + [self._rule("other", "", max(capture.retention_days for capture in models.values()))],
        )

    def _rule(self, id_: str, prefix: str, days: int) -> Rule:
        return {
            "id": id_,
            "status": "Enabled",
            "filter": [{"prefix": prefix}],
            "expiration": [{"days": days}],
        }

    def _writers(self, models: Mapping[str, Capture], instances: IamRole) -> None:
        places = [f"{self.bucket.arn}/{names.samples_prefix(model)}*" for model in models]
        IamRolePolicy(
            self,
            "write",
            name="samples",
            role=instances.name,
            policy=document([allow("Samples", ["s3:PutObject"], places)]),
        )
