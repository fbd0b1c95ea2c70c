"""An instance for the agent: its bundle, unpacked, with fake AWS around it and the embedded cloud's docker.

DynamoDB, CloudWatch, logs, secrets and S3 are the emulated AWS. Autoscaling, the balancer and instance
metadata are one small server here that records what it is asked: in these tests they are what the agent must
be seen to talk to.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.agent.bundle import agent_bundle
from infra.agent.config import AgentConfig, Launch
from infra.embedded import aws as embedded_aws
from infra.embedded.aws.server import Server
from infra.embedded.image.build import build
from infra.paths import cache_directory

INSTANCE = "i-0123456789abcdef0"
KEY = "sk-functional"
TARGET_GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/1"
_XML = {
    "DescribeAutoScalingInstances": "<AutoScalingInstances><member><InstanceId>i</InstanceId>"
    "<AutoScalingGroupName>g</AutoScalingGroupName><LaunchTemplate><LaunchTemplateId>lt</LaunchTemplateId>"
    "<Version>7</Version></LaunchTemplate></member></AutoScalingInstances>",
    "DescribeAutoScalingGroups": "<AutoScalingGroups><member><AutoScalingGroupName>g</AutoScalingGroupName>"
    f"<TargetGroupARNs><member>{TARGET_GROUP}</member></TargetGroupARNs></member></AutoScalingGroups>",
}


@dataclass
class Surroundings:
    """What the fake services say and were asked."""

    metadata: dict[str, str] = field(default_factory=dict)
    calls: list[dict[str, str]] = field(default_factory=list)

    def named(self, action: str) -> list[dict[str, str]]:
        """The calls of an action."""
        return [call for call in self.calls if call["Action"] == action]


@dataclass
class Instance:
    """A running agent."""

    process: subprocess.Popen[bytes]
    root: Path
    address: str
    """Its own loopback address, as in the embedded cloud."""
    engine_url: str
    around: Surroundings
    dynamodb: Any
    logs: Any
    cloudwatch: Any

    def report(self) -> dict[str, str]:
        """What the runtime table says of the replica."""
        key = {"pk": {"S": "replica"}, "sk": {"S": f"chat#{INSTANCE}"}}
        item = self.dynamodb.get_item(TableName="llmctl-test", Key=key).get("Item", {})
        return {name: next(iter(value.values())) for name, value in item.items()}

    def wait(self, what: str, condition: Callable[[], object], seconds: float = 60) -> None:
        """Until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {self.report()} {self.console()}"
            time.sleep(0.1)

    def console(self) -> str:
        """What the agent and its engine printed."""
        return (self.root / "console").read_text()

    def kill_engine(self) -> int:
        """End the engine as a crash would; its process id."""
        (record,) = (self.root / "run/docker").glob("engine.json")
        pid = int(json.loads(record.read_text())["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def engine_answers(self) -> bool:
        """Whether anyone listens on the engine's port."""
        try:
            with urllib.request.urlopen(f"{self.engine_url}/health", timeout=5):
                return True
        except OSError:
            return False

    def lines(self, stream: str) -> list[str]:
        """What CloudWatch Logs has."""
        events = self.logs.get_log_events(
            logGroupName="/llmctl/test/chat", logStreamName=f"{INSTANCE}/{stream}", startFromHead=True
        )["events"]
        return [event["message"] for event in events]


Boot = Callable[..., Instance]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent's bundle, unpacked as on an instance."""
    folder = tmp_path_factory.mktemp("program")
    with zipfile.ZipFile(agent_bundle(tmp_path_factory.mktemp("cache")).path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The emulated AWS, with what Terraform would have made."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = Server()
    embedded_aws.reset()
    url = server.url
    boto3.client("dynamodb", endpoint_url=url).create_table(
        TableName="llmctl-test",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("logs", endpoint_url=url).create_log_group(logGroupName="/llmctl/test/chat")
    boto3.client("secretsmanager", endpoint_url=url).create_secret(Name="key", SecretString=KEY)
    s3 = boto3.client("s3", endpoint_url=url)
    s3.create_bucket(Bucket="weights")
    s3.put_object(Bucket="weights", Key="m/config.json", Body=b"{}")
    s3.put_object(Bucket="weights", Key="m/shards/1.bin", Body=b"x" * 3_000_000)
    yield url
    server.stop()


@pytest.fixture
def boot(aws: str, program: Path, tmp_path: Path) -> Iterator[Boot]:
    """Boots instances; all are ended with the test."""
    booted: list[Instance] = []
    servers: list[ThreadingHTTPServer] = []

    def start(**overrides: Any) -> Instance:
        around = Surroundings(_metadata())
        server = _serve(around)
        servers.append(server)
        instance = _boot(tmp_path, program, aws, f"http://127.0.0.1:{server.server_port}", around, overrides)
        booted.append(instance)
        return instance

    yield start
    for instance in booted:
        instance.process.send_signal(signal.SIGKILL)
        instance.process.wait()
    for server in servers:
        server.shutdown()
        server.server_close()


def _boot(
    tmp_path: Path, program: Path, aws: str, fake: str, around: Surroundings, overrides: dict[str, Any]
) -> Instance:
    root = tmp_path / "root"
    (root / "etc/llmctl").mkdir(parents=True)
    variables: dict[str, str] = overrides.pop("variables", {})
    address = variables.get("INSTANCE_ADDRESS") or _own_address()
    port = _free_port(address)
    (root / "etc/llmctl/agent.json").write_text(_config(port, overrides).to_json())
    environment = {
        "PATH": f"{build(tmp_path / 'bin')}:{os.environ['PATH']}",
        "INSTANCE_ROOT": str(root),
        "INSTANCE_ADDRESS": address,
        "EMBEDDED_CACHE": str(cache_directory()),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": aws,
        "AWS_ENDPOINT_URL_AUTO_SCALING": fake,
        "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": fake,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{fake}/",
        **variables,
    }
    with (root / "console").open("wb") as console:
        process = subprocess.Popen(
            (sys.executable, "-S", str(program)),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
        )
    return Instance(
        process,
        root,
        address,
        f"http://{address}:{port}",
        around,
        boto3.client("dynamodb", endpoint_url=aws),
        boto3.client("logs", endpoint_url=aws),
        boto3.client("cloudwatch", endpoint_url=aws),
    )


def _config(port: int, overrides: dict[str, Any]) -> AgentConfig:
    engine: dict[str, Any] = {
        "image": "llmctl/simulator:1",
        "args": ("--served-model-name", "chat", "--host", "0.0.0.0"),
        "env": {"SIMULATOR_TIME_PER_TOKEN": "0.1"},
        "gpus": False,
        "port": port,
        "api_key_env": "VLLM_API_KEY",
        "in_flight_metrics": ("vllm:num_requests_running", "vllm:num_requests_waiting"),
        **overrides.pop("engine", {}),
    }
    engine["args"] = (*engine["args"], "--port", str(engine.get("engine_port") or port))
    settings: dict[str, Any] = {
        "environment": "test",
        "model": "chat",
        "region": "us-east-1",
        "runtime_table": "llmctl-test",
        "log_group": "/llmctl/test/chat",
        "api_key_secret": "key",
        "weights_uri": "s3://weights/m",
        "launch_hook": "engine-healthy",
        "terminate_hook": "drained",
        "drain_seconds": 60,
        **overrides,
    }
    return AgentConfig(engine=Launch(**engine), **settings)


def _metadata() -> dict[str, str]:
    document = {
        "instanceId": INSTANCE,
        "instanceType": "g5.xlarge",
        "availabilityZone": "us-east-1a",
        "pendingTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {
        "dynamic/instance-identity/document": json.dumps(document),
        "meta-data/tags/instance/llmctl:slot": "blue",
        "meta-data/tags/instance/llmctl:market": "spot",
        "meta-data/autoscaling/target-lifecycle-state": "InService",
    }


def _serve(around: Surroundings) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self._answer(200, "token")

        def do_GET(self) -> None:
            known = self.headers.get("X-aws-ec2-metadata-token") == "token"
            text = around.metadata.get(self.path.removeprefix("/latest/"))
            self._answer(401 if not known else 404 if text is None else 200, text or "")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            call = dict(urllib.parse.parse_qsl(body))
            around.calls.append(call)
            action = call["Action"]
            result = f"<{action}Result>{_XML.get(action, '')}</{action}Result>"
            self._answer(200, f"<{action}Response>{result}</{action}Response>")

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None:
            """Not to the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _own_address() -> str:
    return f"127.{random.randint(64, 127)}.{random.randint(0, 255)}.{random.randint(1, 254)}"


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
