"""What every stack says to Terraform itself: its version, the provider, and where the state is.

The bucket's name has the account in it. Where the file leaves that open the configuration is partial, and
whoever runs Terraform passes `-backend-config=bucket=...`.
"""

from collections.abc import Mapping

from cdktf import S3Backend, TerraformStack

from infra.environment import names
from infra.environment.model import Environment
from modules.bindings.aws.provider import AwsProvider

_TERRAFORM = ">= 1.10"
"""The first whose S3 backend locks with a file."""


def configure(stack: TerraformStack, environment: Environment, *, key: str, tags: Mapping[str, str]) -> None:
    """Provider of the environment's account and region, its tags, and a state under `key`."""
    account, region = environment.provider.account, environment.provider.region
    AwsProvider(
        stack,
        "aws",
        region=region,
        allowed_account_ids=[account] if account else None,
        default_tags=[{"tags": tags}],
    )
    S3Backend(stack, bucket="", key=key, region=region, encrypt=True)
    stack.add_override("terraform.required_version", _TERRAFORM)
    stack.add_override("terraform.backend.s3.use_lockfile", True)  # unknown to CDKTF's class
    stack.add_override(
        "terraform.backend.s3.bucket", names.state_bucket(account, region) if account else None
    )
