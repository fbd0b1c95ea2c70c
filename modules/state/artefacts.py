"""The bucket of what instances download, and the agent in it.

The agent lies under one key, in versions: a launch template version names the version of the agent that it
was made with. Under a key for each, Terraform would delete the agent that the running release still boots.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from cdktf import AssetType, TerraformAsset
from constructs import Construct

from modules.bindings.aws.s3_bucket import S3Bucket
from modules.bindings.aws.s3_bucket_policy import S3BucketPolicy
from modules.bindings.aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from modules.bindings.aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfiguration,
)
from modules.bindings.aws.s3_bucket_versioning import S3BucketVersioning
from modules.bindings.aws.s3_object import S3Object
from modules.bindings.base import Reference, Resource
from modules.release.user_data import AgentSource

AGENT_KEY = "agent.zip"


@dataclass(frozen=True)
class AgentFile:
    """The agent's zip on this machine, and its SHA-256 in hexadecimal."""

    path: Path
    sha256: str


class Artefacts(Construct):
    """The bucket with the agent. Everything in it can be made again, so it goes with the environment."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        bucket: str,
        region: str,
        agent: AgentFile,
    ) -> None:
        super().__init__(scope, id_)
        self.bucket = S3Bucket(self, "bucket", bucket=bucket, force_destroy=True, tags={"Name": bucket})
        self._object = self._agent(agent, after=self._guards())
        self.agent_arn = f"{self.bucket.arn}/{AGENT_KEY}"
        self.agent = AgentSource(
            region=region,
            bucket=self.bucket.id,
            key=AGENT_KEY,
            version=self._object.version_id,
            sha256=agent.sha256,
        )

    def _guards(self) -> list[Resource]:
        """What holds before the first object is in; S3 refuses a policy while access is being closed."""
        name: Reference = self.bucket.id
        closed = S3BucketPublicAccessBlock(
            self,
            "closed",
            bucket=name,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        encrypted = S3BucketServerSideEncryptionConfiguration(
            self,
            "encryption",
            bucket=name,
            rule=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
        )
        versioned = S3BucketVersioning(
            self, "versions", bucket=name, versioning_configuration={"status": "Enabled"}
        )
        policy = S3BucketPolicy(self, "tls", bucket=name, policy=self._tls_only(), depends_on=[closed])
        return [encrypted, versioned, policy]

    def _tls_only(self) -> str:
        statement = {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [self.bucket.arn, f"{self.bucket.arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def _agent(self, agent: AgentFile, *, after: list[Resource]) -> S3Object:
        asset = TerraformAsset(
            self, "zip", path=str(agent.path.resolve()), type=AssetType.FILE, asset_hash=agent.sha256
        )
        return S3Object(
            self,
            "agent",
            bucket=self.bucket.id,
            key=AGENT_KEY,
            source=asset.path,
            source_hash=agent.sha256,
            content_type="application/zip",
            override_provider={"default_tags": {"tags": {}}},  # an object takes ten tags, not fifty
            depends_on=after,
        )
