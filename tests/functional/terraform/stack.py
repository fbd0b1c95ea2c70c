"""The tiny stack: resources without waiting times, and one that takes as long as a test wants."""

import json
from typing import Any

from infra.terraform.directory import RunDirectory
from infra.terraform.runner import Backend
from infra.terraform.version import PROVIDER_VERSION

BACKEND = Backend("llmctl-state-tests", "", "us-east-1")


def write_stack(
    run: RunDirectory, *, prefix: str, seconds: float = 0, slow_first: bool = False, broken: bool = False
) -> None:
    """Write a stack; `seconds`: how long its slowest resource takes; `broken`: one of them is refused.

    `slow_first`: nothing else is created before the slow resource is done.
    """
    resources: dict[str, Any] = {
        "aws_ssm_parameter": {
            "model_chat_parameter": {"name": f"/{prefix}/chat", "type": "String", "value": "1"}
        },
        "aws_cloudwatch_log_group": {"model_chat_logs": {"name": f"/{prefix}/chat"}},
    }
    if seconds:
        wait = {"local-exec": {"command": f"exec sleep {seconds}"}}
        resources["terraform_data"] = {"slow": {"provisioner": wait}}
        first, later = (
            resources["aws_ssm_parameter"]["model_chat_parameter"],
            resources["terraform_data"]["slow"],
        )
        if slow_first:
            resources["aws_cloudwatch_log_group"]["model_chat_logs"]["depends_on"] = ["terraform_data.slow"]
            first["depends_on"] = ["terraform_data.slow"]
        else:
            later["depends_on"] = ["aws_ssm_parameter.model_chat_parameter"]
    if broken:
        resources["aws_ssm_parameter"]["model_chat_parameter"]["name"] = "aws-is-reserved"
    document = {
        "terraform": {
            "required_providers": {"aws": {"source": "hashicorp/aws", "version": PROVIDER_VERSION}},
            "backend": {"s3": {}},
        },
        "provider": {"aws": {"region": BACKEND.region, "max_retries": 2}},
        "resource": resources,
        "output": {"parameter": {"value": "${aws_ssm_parameter.model_chat_parameter.name}"}},
    }
    run.stack.mkdir(parents=True, exist_ok=True)
    (run.stack / "cdk.tf.json").write_text(json.dumps(document))
