"""Credentials that look like a role's and open nothing: the emulated API checks no signature.

They are derived from the instance's id and the hour, so they change and expire as real ones do, and a leaked
one is worthless.
"""

import base64
import hashlib
from datetime import UTC, datetime

_LIFETIME_SECONDS = 6 * 3600
_STEP_SECONDS = 3600


def credentials(instance_id: str, now: float) -> dict[str, str]:
    """What the metadata service answers for a role, in the shape that SDKs expect. `now` in epoch seconds."""
    issued = now - now % _STEP_SECONDS
    return {
        "Code": "Success",
        "LastUpdated": timestamp(issued),
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIA" + base64.b32encode(_digest(instance_id, issued, "key")).decode()[:16],
        "SecretAccessKey": base64.b64encode(_digest(instance_id, issued, "secret")).decode()[:40],
        "Token": base64.b64encode(_digest(instance_id, issued, "token")).decode(),
        "Expiration": timestamp(issued + _LIFETIME_SECONDS),
    }


def timestamp(moment: float) -> str:
    """Epoch seconds as the metadata service writes them: 2026-01-31T12:00:00Z."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _digest(instance_id: str, issued: float, part: str) -> bytes:
    return hashlib.sha256(f"{instance_id}/{issued:.0f}/{part}".encode()).digest()
