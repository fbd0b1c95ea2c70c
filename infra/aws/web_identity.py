"""Credentials of a role for whoever shows a token that the role trusts."""

import re
from typing import Any

from botocore import UNSIGNED
from botocore.config import Config

from infra.aws.session import Session, translated
from infra.errors import Refused

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


def checked_role(role: str) -> str:
    """The role's ARN; raises `Refused` for anything else."""
    if not _ROLE.fullmatch(role):
        raise Refused(
            f"{role!r} is no ARN of a role", hint="arn:aws:iam::123456789012:role/NAME; docs/ci.md names them"
        )
    return role


def assume(session: Session, role: str, token: str, name: str) -> dict[str, Any]:
    """Credentials for an hour, as `credential_process` wants them. `name`: how CloudTrail calls the session.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    """
    unsigned = session.client("sts", config=Config(signature_version=UNSIGNED))
    with translated(f"assuming {role}"):
        answer = unsigned.assume_role_with_web_identity(
            RoleArn=checked_role(role), RoleSessionName=name, WebIdentityToken=token
        )
    given = answer["Credentials"]
    return {
        "Version": 1,
        "AccessKeyId": given["AccessKeyId"],
        "SecretAccessKey": given["SecretAccessKey"],
        "SessionToken": given["SessionToken"],
        "Expiration": given["Expiration"].isoformat(),
    }
