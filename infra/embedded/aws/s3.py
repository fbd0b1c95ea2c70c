"""S3: bucket policies that deny under a condition, and bucket features that are not there."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.s3.responses import S3Response
from moto.sts.models import sts_backends

from infra.embedded.aws.patching import replace

_caller: ContextVar[str] = ContextVar("caller", default="")
"""ARN of who asks for an object; empty outside of such a request."""
_EQUAL = frozenset({"ArnEquals", "ArnLike", "StringEquals"})
_NOT_EQUAL = frozenset({"ArnNotEquals", "ArnNotLike", "StringNotEquals"})
_UNKNOWN_SUBRESOURCES = frozenset({"analytics", "intelligent-tiering", "metadataTable", "metrics"})


def install() -> None:
    """Put the fixes into moto."""
    replace(IAMPolicyStatement, "is_action_permitted", _conditional_deny)
    replace(S3Response, "_key_response", _with_caller)
    replace(S3Response, "_bucket_response", _refuse_unknown_subresources)


def _conditional_deny(original: Callable[..., PermissionResult]) -> Callable[..., PermissionResult]:
    """Moto denies whenever it can't evaluate a condition: "deny without TLS" would deny every call."""

    def is_action_permitted(self: Any, *args: Any, **kwargs: Any) -> PermissionResult:
        statement = self._statement
        if statement.get("Effect") != "Deny" or "Condition" not in statement:
            return original(self, *args, **kwargs)
        if not _holds(statement["Condition"]):
            return PermissionResult.NEUTRAL
        plain = {name: value for name, value in statement.items() if name != "Condition"}
        return original(IAMPolicyStatement(plain), *args, **kwargs)

    return is_action_permitted


def _holds(conditions: dict[str, dict[str, Any]]) -> bool:
    """Tell whether a statement's conditions hold; one that can't be evaluated does not.

    The way to the emulated cloud never leaves the machine: it stands in for TLS.
    """
    for operator, keys in conditions.items():
        for key, expected in keys.items():
            values = [str(each) for each in (expected if isinstance(expected, list) else [expected])]
            if not _condition_holds(operator, key.lower(), values):
                return False
    return True


def _condition_holds(operator: str, key: str, values: list[str]) -> bool:
    if key == "aws:securetransport" and operator == "Bool":
        return "true" in [value.lower() for value in values]
    if key == "aws:principalarn" and (caller := _caller.get()):
        return (operator in _EQUAL and caller in values) or (operator in _NOT_EQUAL and caller not in values)
    return False


def _with_caller(original: Callable[..., Any]) -> Callable[..., Any]:
    """Conditions on the principal need to know it: moto doesn't tell them."""

    def _key_response(self: Any, request: Any, full_url: str) -> Any:
        token = _caller.set(_principal(self))
        try:
            return original(self, request, full_url)
        finally:
            _caller.reset(token)

    return _key_response


def _principal(request: Any) -> str:
    """The role that was assumed for the request's credentials, else the account: nobody else is known."""
    account = request.current_account
    header = request.headers.get("Authorization", "")
    for backend in sts_backends[account].values():
        for role in backend.assumed_roles:
            if f"={role.access_key_id}/" in header:
                return str(role.role_arn)
    return f"arn:aws:iam::{account}:root"


def _refuse_unknown_subresources(original: Callable[..., Any]) -> Callable[..., Any]:
    """Moto takes PUT and DELETE ?intelligent-tiering for CreateBucket and DeleteBucket."""

    def _bucket_response(self: Any, request: Any, full_url: str) -> Any:
        for name in _UNKNOWN_SUBRESOURCES & self._get_querystring(request, full_url).keys():
            # Refused on purpose: the server answers it as 400 NotImplemented.
            raise NotImplementedError(f"{request.method} ?{name} of a bucket")
        return original(self, request, full_url)

    return _bucket_response
