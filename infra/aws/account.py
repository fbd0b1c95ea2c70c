"""Which AWS account we are about to act on, checked before anything happens."""

from pathlib import Path

from infra.aws.session import Session
from infra.environment.model import Environment
from infra.errors import Refused


def checked_account(session: Session, environment: Environment, file: Path) -> str:
    """The account's id; raises `Refused`, in one line, without credentials or on the wrong account.

    Without credentials nothing is sent over the network.
    """
    if session.credential_source is None:
        raise Refused(
            f"{file}: no AWS credentials found: "
            "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    expected = environment.provider.account
    # The embedded cloud's account is what it is: there is nothing to guard.
    if expected and environment.provider.name == "aws" and session.account != expected:
        raise Refused(
            f"{file}: provider.account is {expected}, but these credentials are of account {session.account}",
            hint="choose other credentials (AWS_PROFILE), or correct provider.account",
        )
    return session.account
