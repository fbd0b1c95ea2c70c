"""What all Envoy resources share: names, durations, and the address of everything that has one.

A name must be unique over accounts and regions, fit in a file name and be readable in logs; an ARN is only
the first of the three.
"""

import hashlib
from typing import Any

from infra.embedded.aws.views import Listener, LoadBalancer, TargetGroup

Json = dict[str, Any]

METADATA = "aws"
"""Namespace of what the access log reads from a cluster's metadata."""


TARGET_GROUP_HEADER = "x-embedded-target-group"
"""Tells who serves functions for which target group a request is."""


def cluster_name(group: TargetGroup) -> str:
    """Name of a target group's cluster."""
    return f"{group.name}-{_digest(group.arn)}"


def listener_name(balancer: LoadBalancer, listener: Listener) -> str:
    """Name of a listener, and of its routes."""
    return f"{balancer.name}-{listener.port}-{_digest(balancer.arn)}"


def typed(name: str, /, **fields: Any) -> Json:
    """A message of a named type, as Envoy's `Any` fields want it."""
    return {"@type": f"type.googleapis.com/{name}", **fields}


def seconds(number: float) -> str:
    """A duration in Envoy's notation."""
    return f"{number}s"


def socket_address(address: str, port: int) -> Json:
    """Where something listens."""
    return {"socket_address": {"address": address, "port_value": port}}


def set_header(key: str, value: str) -> Json:
    """A header that is put in place of any other of this name."""
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def file_source(path: str) -> Json:
    """A resource in a file, read again whenever another file is moved over it."""
    # Envoy takes no path without a folder.
    return {"path_config_source": {"path": f"./{path}"}, "resource_api_version": "V3"}


def _digest(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()[:8]
