"""A job's own identity, which AWS trusts instead of keys (OpenID Connect).

https://docs.github.com/en/actions/reference/security/oidc
"""

from collections.abc import Mapping

from infra.ci.rest import Clock, Rest
from infra.errors import LlmctlError, Refused

AUDIENCE = "sts.amazonaws.com"
_NEEDS = "id-token: write"


def identity_token(variables: Mapping[str, str], clock: Clock) -> str:
    """A token that says which repository, workflow and environment this job is of; good for minutes.

    Raises `Refused` where the job may not have one.
    """
    address = variables.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    secret = variables.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not address or not secret:
        raise Refused("this job has no identity to show to AWS", hint=f"the job needs `{_NEEDS}`")
    # The address comes with parameters of its own, so that it can't be a base with a path.
    document = Rest(address, {"Authorization": f"Bearer {secret}"}, clock).get(
        f"&audience={AUDIENCE}", needs=_NEEDS
    )
    token = document.get("value") if isinstance(document, dict) else None
    if not token:
        raise LlmctlError("the answer to a request for an identity has no token in it")
    return str(token)


def profile(command: str) -> str:
    """An AWS configuration whose credentials come from a command, asked again before they expire.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    """
    return f"[default]\ncredential_process = {command}\n"
