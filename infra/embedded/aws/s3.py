"""S3: bucket policies that deny under a condition, and bucket features that are not there."""

from collections.abc import Callable
from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.s3.responses import S3Response

from infra.embedded.aws.patching import replace

_UNKNOWN_SUBRESOURCES = frozenset({"analytics", "intelligent-tiering", "metadataTable", "metrics"})


def install() -> None:
    """Put the fixes into moto."""
    replace(IAMPolicyStatement, "is_action_permitted", _conditional_deny)
    replace(S3Response, "_bucket_response", _refuse_unknown_subresources)


def _conditional_deny(original: Callable[..., PermissionResult]) -> Callable[..., PermissionResult]:
    """Moto ignores condition operators it doesn't know, so that "deny without TLS" denies every call."""

    def is_action_permitted(self: Any, *args: Any, **kwargs: Any) -> PermissionResult:
        statement = self._statement
        if statement.get("Effect") == "Deny" and not _holds(statement.get("Condition", {})):
            return PermissionResult.NEUTRAL
        return original(self, *args, **kwargs)

    return is_action_permitted


def _holds(conditions: dict[str, dict[str, Any]]) -> bool:
    """Tell whether a statement's conditions hold; one that can't be evaluated does not.

    The way to the emulated cloud never leaves the machine: it stands in for TLS.
    """
    for operator, keys in conditions.items():
        for key, expected in keys.items():
            values = expected if isinstance(expected, list) else [expected]
            secure = (operator, key.lower()) == ("Bool", "aws:securetransport")
            if not secure or "true" not in [str(value).lower() for value in values]:
                return False
    return True


def _refuse_unknown_subresources(original: Callable[..., Any]) -> Callable[..., Any]:
    """Moto takes PUT and DELETE ?intelligent-tiering for CreateBucket and DeleteBucket."""

    def _bucket_response(self: Any, request: Any, full_url: str) -> Any:
        for name in _UNKNOWN_SUBRESOURCES & self._get_querystring(request, full_url).keys():
            raise NotImplementedError(f"{request.method} ?{name} of a bucket")
        return original(self, request, full_url)

    return _bucket_response
