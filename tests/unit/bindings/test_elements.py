"""What a generated class writes into the configuration."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cdktf import App, TerraformStack
from cdktf import Testing as Synthesis  # pytest would take a Testing for a test
from constructs import Construct

from modules.bindings.aws import VERSION
from modules.bindings.aws.data_caller_identity import DataCallerIdentity
from modules.bindings.aws.lb_target_group import LbTargetGroup
from modules.bindings.aws.provider import AwsProvider
from modules.bindings.aws.vpc import Vpc
from modules.bindings.base import local, output


@pytest.fixture
def stack(tmp_path: Path) -> TerraformStack:
    """An empty stack."""
    return TerraformStack(App(outdir=str(tmp_path)), "stack")


def _json(stack: TerraformStack) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(str(Synthesis.synth(stack)))
    return parsed


def test_arguments_that_are_given(stack: TerraformStack) -> None:
    """Arguments and nested blocks are written as given; what isn't given isn't written."""
    LbTargetGroup(stack, "targets", port=8000, health_check={"path": "/health", "interval": 5})
    written = _json(stack)["resource"]["aws_lb_target_group"]["targets"]
    assert written == {"port": 8000, "health_check": {"path": "/health", "interval": 5}}


def test_names_are_paths(stack: TerraformStack) -> None:
    """An address is the construct's path below the stack, readable and without a hash."""
    vpc = Vpc(Construct(Construct(stack, "network"), "inner"), "vpc-a", cidr_block="10.0.0.0/16")
    assert vpc.address == "aws_vpc.network_inner_vpc-a"
    assert vpc.id == "${aws_vpc.network_inner_vpc-a.id}"
    assert _json(stack)["resource"]["aws_vpc"].keys() == {"network_inner_vpc-a"}


def test_names_never_merge(stack: TerraformStack) -> None:
    """Two paths that would become one name are refused: one would overwrite the other."""
    Vpc(Construct(stack, "a"), "b_c")
    other = Construct(stack, "a_b")
    with pytest.raises(ValueError, match=r"aws_vpc\.a_b_c"):
        Vpc(other, "c")


def test_meta_arguments(stack: TerraformStack) -> None:
    """Dependencies, the lifecycle and another provider are written in Terraform's words."""
    other = AwsProvider(stack, "west", region="us-west-2", alias="west")
    first = Vpc(stack, "first")
    caller = DataCallerIdentity(stack, "caller", provider=other)
    Vpc(
        stack,
        "second",
        depends_on=[first, caller],
        provider=other,
        lifecycle={"ignore_changes": ("tags",), "create_before_destroy": True, "prevent_destroy": True},
    )
    written = _json(stack)
    second = written["resource"]["aws_vpc"]["second"]
    assert second["depends_on"] == ["aws_vpc.first", "data.aws_caller_identity.caller"]
    assert second["provider"] == "aws.west"
    assert second["lifecycle"] == {
        "ignore_changes": ["tags"],
        "create_before_destroy": True,
        "prevent_destroy": True,
    }
    assert written["data"]["aws_caller_identity"]["caller"]["provider"] == "aws.west"
    assert written["provider"]["aws"] == [{"region": "us-west-2", "alias": "west"}]


def test_provider_version_is_exact(stack: TerraformStack) -> None:
    """The provider is the one whose schema the classes were made from, and no other."""
    AwsProvider(stack, "aws", region="eu-west-1")
    required = _json(stack)["terraform"]["required_providers"]["aws"]
    assert required == {"source": "registry.terraform.io/hashicorp/aws", "version": VERSION}


def test_values_and_outputs_by_name(stack: TerraformStack) -> None:
    """Named values and outputs can be referred to and read under exactly their names."""
    assert local(stack, "greeting", "hello ${name}") == "${local.greeting}"
    output(Construct(stack, "inner"), "url", "http://x", description="Where")
    written = _json(stack)
    assert written["locals"] == {"greeting": "hello ${name}"}
    assert written["output"] == {"url": {"value": "http://x", "description": "Where"}}


def test_one_class_loads_no_other() -> None:
    """Importing a class costs what that class costs, not what a provider costs."""
    code = (
        "import sys, modules.bindings.aws.vpc\n"
        "print(sorted(name for name in sys.modules if name.startswith('modules.bindings.aws.')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['modules.bindings.aws.vpc']"
