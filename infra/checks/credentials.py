"""Rule about AWS credentials. Nothing is asked of AWS: `llmctl plan` checks the account."""

from collections.abc import Mapping

from infra.checks.rule import Found, Need, Rule
from infra.errors import LlmctlError

_ANY_REGION = "us-east-1"


def _credentials(environment: Mapping[str, str]) -> Found:
    from infra.aws.session import Session

    try:
        found = Session(_ANY_REGION, environment).credential_source
    except LlmctlError as error:
        return Found(False, error.message)
    return Found(found is not None, "found" if found else "none found", found or "")


RULES = (
    Rule(
        id="aws-credentials",
        summary="AWS credentials, for environments on AWS",
        remedy="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        need=Need.AWS,
        look=_credentials,
    ),
)
