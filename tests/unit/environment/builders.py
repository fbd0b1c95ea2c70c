"""Small environments for tests: a valid file, changed where a test needs it."""

from pathlib import Path
from typing import Any

import msgspec

from infra.environment.load import Examination, examine

VALID: dict[str, Any] = {
    "environment": "sample",
    "provider": {"name": "aws", "region": "us-east-1"},
    "network": {"cidr": "10.20.0.0/16"},
    "endpoint": {"allow_cidrs": ["203.0.113.0/24"]},
    "models": {
        "chat": {
            "source": "hf://Qwen/Qwen2.5-7B-Instruct@a09a354",
            "engine": {"name": "vllm", "version": "v0.18.0"},
            "instances": {
                "types": ["g5.2xlarge", "g6.2xlarge"],
                "zones": ["us-east-1a", "us-east-1b"],
            },
            "replicas": {"min": 2, "max": 2},
        }
    },
}


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The valid environment with values at dotted places replaced, added, or (None) removed."""
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(VALID))
    for place, value in changes:
        *parents, last = place.split("/")
        section = data
        for parent in parents:
            section = section.setdefault(parent, {})
        if value is None:
            del section[last]
        else:
            section[last] = value
    return data


def examined(folder: Path, *changes: tuple[str, Any]) -> Examination:
    """Write the changed environment as a file (JSON is YAML) and examine it."""
    path = folder / "sample.yaml"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(changed(*changes)), indent=2))
    return examine(path)


def messages(folder: Path, *changes: tuple[str, Any]) -> list[str]:
    """The errors of the changed environment, without their positions."""
    return [f"{each.where}: {each.what}" for each in examined(folder, *changes).problems]
