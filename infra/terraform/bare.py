"""The smallest configuration that can destroy an environment: its state tells everything but the region."""

import json
from pathlib import Path

from infra.terraform.version import PROVIDER_VERSION

_CONFIGURATION = "cdk.tf.json"


def write_bare(stack: Path, region: str) -> None:
    """Write it into a stack's folder, in place of what was synthesised there."""
    stack.mkdir(parents=True, exist_ok=True)
    document = {
        "terraform": {
            "required_providers": {"aws": {"source": "hashicorp/aws", "version": PROVIDER_VERSION}},
            "backend": {"s3": {}},
        },
        "provider": {"aws": {"region": region}},
    }
    (stack / _CONFIGURATION).write_text(json.dumps(document))
