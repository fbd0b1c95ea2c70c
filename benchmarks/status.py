"""How long `llmctl status` takes for an environment of 50 models with two healthy replicas each.

    python -m benchmarks.status

The environment's resources are made with plain API calls in an emulated AWS in this process; the command runs
in a process of its own, cold. Beside it: a boto3 script in this process that asks for the same facts model by
model. Ends with 1 when the target is missed.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from infra.aws.session import Session
from infra.embedded.aws.server import Server
from infra.environment import names
from infra.environment.load import load
from infra.environment.slots import Market, Slot
from tests.fakes.stack import bring_up, build

MODELS = 50
ROUNDS = 5
TARGET = 2.0
NAME = "bench"
LLMCTL = str(Path(sys.executable).parent / "llmctl")


def main() -> int:
    """Measure, print, and say whether the target is met."""
    server = Server()
    reach = {"AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    session = Session("us-east-1", reach)
    with tempfile.TemporaryDirectory() as folder:
        file = write_environment(Path(folder))
        environment = load(file)
        build(session, environment)
        bring_up(session, environment)
        command = [LLMCTL, "status", "--env", str(file), "--json"]
        status = statistics.median(seconds(lambda: check(command, reach)) for _ in range(ROUNDS))
        script = statistics.median(seconds(lambda: ask_one_by_one(session)) for _ in range(ROUNDS))
    server.stop()
    print(f"llmctl status, {MODELS} models, {2 * MODELS} replicas  {status:6.2f} s   target {TARGET} s")
    print(f"boto3, model by model                    {script:6.2f} s   ratio {script / status:.1f}")
    return 0 if status < TARGET else 1


def write_environment(folder: Path) -> Path:
    """An environment file (YAML knows JSON) of many small models."""
    model = {
        "source": "hf://org/model-7B",
        "engine": {"name": "vllm", "version": "v0.18.0"},
        "instances": {"types": ["g5.xlarge"], "zones": ["us-east-1a", "us-east-1b"]},
        "replicas": {"min": 2, "max": 4},
    }
    document = {
        "environment": NAME,
        "provider": {"name": "aws", "region": "us-east-1"},
        "network": {"cidr": "10.0.0.0/16"},
        "endpoint": {"allow_cidrs": ["10.0.0.0/8"]},
        "models": {f"model-{number}": model for number in range(MODELS)},
    }
    file = folder / f"{NAME}.yaml"
    file.write_text(json.dumps(document))
    return file


def check(command: list[str], reach: dict[str, str]) -> None:
    """Run `status` once; it must see everything."""
    done = subprocess.run(
        command, env={**os.environ, **reach, "NO_PROXY": "*"}, check=True, capture_output=True, text=True
    )
    assert done.stdout.count('"phase": "healthy"') == 2 * MODELS, done.stdout[-2000:]


def ask_one_by_one(session: Session) -> None:
    """Ask the same, as a straightforward script does."""
    for number in range(MODELS):
        model = f"model-{number}"
        session.ec2.describe_launch_templates(LaunchTemplateNames=[names.launch_template(NAME, model)])
        for slot in Slot:
            groups = [names.group(NAME, model, slot, market) for market in Market]
            session.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=groups)
            target_group = session.elbv2.describe_target_groups(Names=[names.target_group(NAME, model, slot)])
            session.elbv2.describe_target_health(
                TargetGroupArn=target_group["TargetGroups"][0]["TargetGroupArn"]
            )


def seconds(action: Callable[[], None]) -> float:
    """How long the action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
