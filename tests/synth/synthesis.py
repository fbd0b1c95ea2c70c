"""Environments for the tests, and their Terraform configuration as plain data."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from infra.environment.load import load
from infra.environment.model import Environment
from modules.state.artefacts import AgentFile
from stacks.app import build

FILES = sorted(Path(__file__).parents[2].joinpath("environments").glob("*.yaml"))
REGION = "eu-west-1"
ZONES = [f"{REGION}a", f"{REGION}b"]


def model(**changes: Any) -> dict[str, Any]:
    """A model's section of an environment file."""
    return {
        "source": "hf://org/model",
        "engine": {"name": "vllm", "version": "v0.18.0"},
        "instances": {"types": ["g5.xlarge", "g6.xlarge"], "zones": ZONES},
        "replicas": {"min": 1, "max": 3},
        "scaling": {"target": 60},
    } | changes


def environment(models: dict[str, dict[str, Any]] | None = None, **changes: Any) -> Environment:
    """An environment of one model, `chat`, or of those given."""
    raw = {
        "environment": "test",
        "provider": {"name": "aws", "region": REGION},
        "network": {"cidr": "10.0.0.0/16"},
        "endpoint": {"allow_cidrs": ["203.0.113.0/24"]},
        "models": models or {"chat": model()},
        "tags": {"team": "search"},
    }
    return msgspec.convert(raw | changes, Environment)


EXISTING = {
    "vpc_id": "vpc-1",
    "private_subnets": ["subnet-1", "subnet-2"],
    "public_subnets": ["subnet-3", "subnet-4"],
}

VARIANTS: dict[str, Environment] = {
    **{path.stem: load(path) for path in FILES},
    "isolated": environment(network={"cidr": "10.1.0.0/20", "egress": "endpoints"}),
    "existing": environment(network=EXISTING),
    "open": environment(endpoint={"allow_cidrs": ["0.0.0.0/0"], "auth": "none"}),
    "bare": environment(models={"a": model(scaling=None), "b": model(source="s3://weights/b/")}, tags={}),
    "custom-port": environment(
        endpoint={"allow_cidrs": ["10.9.0.0/16"], "domain": "llm.example.com", "port": 8443}
    ),
    "ecr": environment(
        network={"cidr": "10.1.0.0/20", "egress": "endpoints"},
        models={
            "chat": model(
                source="s3://weights/chat",
                engine={
                    "name": "vllm",
                    "version": "v0.18.0",
                    "image": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/team/vllm",
                },
            )
        },
    ),
    "watched": environment(
        models={
            "chat": model(
                replicas={"min": 0, "max": 3, "sleep_after": "10m"},
                scaling={"expression": "(in_flight + 2 * queued) / replicas", "target": 4, "scale_in": False},
                instances={
                    "types": ["g5.xlarge", "g6.xlarge"],
                    "zones": ZONES,
                    "price": {"on_demand": 1.2, "spot": 0.4},
                },
            )
        },
        monitoring={
            "interval": "10s",
            "notify": ["oncall@example.com", "https://hooks.example.com/llm"],
            "budget": 3,
            "scrape_from": ["10.9.0.0/16"],
        },
    ),
    "capture": environment(
        models={
            "chat": model(capture={"rate": 0.1, "redact": ["messages.content"], "retention_days": 7}),
            "open": model(capture={"rate": 1.0}, engine={"name": "simulator", "version": "1"}),
            "quiet": model(engine={"name": "simulator", "version": "1"}),
        },
        endpoint={"allow_cidrs": ["203.0.113.0/24"], "default_model": "chat"},
    ),
    "own-image": environment(
        models={
            "chat": model(instances={"types": ["g5.xlarge"], "zones": ZONES, "ami": "ami-0123456789abcdef0"})
        }
    ),
}
"""One environment for each way that the constructs can go."""


class Stack:
    """A synthesised stack."""

    def __init__(self, spec: Environment, folder: Path) -> None:
        self.spec = spec
        zipped = folder / "agent.zip"
        zipped.write_bytes(b"the agent")
        agent = AgentFile(zipped, hashlib.sha256(zipped.read_bytes()).hexdigest())
        out = folder / "out"
        build([spec], agent=agent, out=out).synth()
        self.folder = out / "stacks" / spec.environment
        self.text = (self.folder / "cdk.tf.json").read_text()
        self.json: dict[str, Any] = json.loads(self.text)

    def resources(self, *types: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Address and arguments of the resources, of these types or of all."""
        for kind, elements in self.json["resource"].items():
            if not types or kind in types:
                for name, arguments in elements.items():
                    yield f"{kind}.{name}", arguments

    def one(self, kind: str) -> dict[str, Any]:
        """The only resource of a type."""
        ((_, arguments),) = self.resources(kind)
        return arguments

    def user_data(self) -> Iterator[str]:
        """What Terraform would make of each model's user data, references left as they are."""
        for text in self.json["locals"].values():
            yield text.replace("$${", "${").replace("%%{", "%{")
