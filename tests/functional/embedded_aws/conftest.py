"""The emulated AWS API under test, with shorthand for what most tests need of it."""

import base64
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from moto.core.config import default_user_config

from infra.embedded import aws
from infra.embedded.aws import autoscaling, ec2, views
from infra.embedded.aws.server import Server
from infra.terraform import provider

STACK = Path(__file__).with_name("stack.tf.json")
REGION = "us-east-1"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
_AMI = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"


class Cloud:
    """An emulated cloud and its clients. Time in it passes only by `reconcile`."""

    _clients: ClassVar[dict[tuple[str, str], Any]] = {}

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self.now = 1_800_000_000.0

    def client(self, service: str) -> Any:
        """Return a boto3 client, made once: making one takes longer than most tests."""
        key = (self.url, service)
        if key not in self._clients:
            make: Any = boto3.client
            self._clients[key] = make(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self._clients[key]

    def reconcile(self, *, after: float = 0.0, times: int = 1) -> None:
        """Let time pass, then reconcile."""
        self.now += after
        for _ in range(times):
            autoscaling.reconcile(self.now)

    def boot(self) -> None:
        """Let all pending instances run."""
        for instance in views.instances():
            ec2.mark_running(instance.id)

    def settle(self) -> None:
        """Reconcile and boot until groups without hooks are in service."""
        for _ in range(4):
            self.reconcile()
            self.boot()

    def network(self) -> tuple[str, list[str]]:
        """Create a VPC with a subnet in each of two zones."""
        client = self.client("ec2")
        vpc = client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            client.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=zone)["Subnet"][
                "SubnetId"
            ]
            for i, zone in enumerate(("us-east-1a", "us-east-1b"))
        ]
        return vpc, subnets

    def image(self) -> str:
        """Return the id of the Deep Learning AMI."""
        return str(self.client("ssm").get_parameter(Name=_AMI)["Parameter"]["Value"])

    def template(self, user_data: str = "v1", **data: Any) -> str:
        """Create a launch template."""
        created = self.client("ec2").create_launch_template(
            LaunchTemplateName="model", LaunchTemplateData=self.template_data(user_data, **data)
        )
        return str(created["LaunchTemplate"]["LaunchTemplateId"])

    def template_data(self, user_data: str, **data: Any) -> dict[str, Any]:
        """Return data of a launch template version."""
        encoded = base64.b64encode(user_data.encode()).decode()
        return {"ImageId": self.image(), "InstanceType": "g5.xlarge", "UserData": encoded} | data

    def target_group(self, vpc: str, name: str = "blue") -> str:
        """Create a target group."""
        created = self.client("elbv2").create_target_group(Name=name, Protocol="HTTP", Port=8000, VpcId=vpc)
        return str(created["TargetGroups"][0]["TargetGroupArn"])

    def listener(self, subnets: list[str], *target_groups: str) -> str:
        """Create a load balancer whose listener forwards to target groups; return the listener's ARN."""
        client = self.client("elbv2")
        balancer = client.create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"][0]
        groups = [{"TargetGroupArn": arn, "Weight": 1} for arn in target_groups]
        created = client.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )
        return str(created["Listeners"][0]["ListenerArn"])

    def group(self, subnets: list[str], **parameters: Any) -> None:
        """Create the autoscaling group `group`, of 2 on-demand instances unless told otherwise."""
        if "LaunchTemplate" not in parameters and "MixedInstancesPolicy" not in parameters:
            parameters["LaunchTemplate"] = {"LaunchTemplateId": self.template(), "Version": "1"}
        defaults = {"MinSize": 0, "MaxSize": 4, "DesiredCapacity": 2, "VPCZoneIdentifier": ",".join(subnets)}
        self.client("autoscaling").create_auto_scaling_group(
            **{"AutoScalingGroupName": "group"} | defaults | parameters
        )

    def hook(self, name: str, transition: str, **parameters: Any) -> None:
        """Put a lifecycle hook (LAUNCHING or TERMINATING) on `group`."""
        self.client("autoscaling").put_lifecycle_hook(
            AutoScalingGroupName="group",
            LifecycleHookName=name,
            LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition}",
            **parameters,
        )

    def describe(self) -> dict[str, Any]:
        """Return `group` as DescribeAutoScalingGroups tells it."""
        found: dict[str, Any] = self.client("autoscaling").describe_auto_scaling_groups()[
            "AutoScalingGroups"
        ][0]
        return found

    def states(self) -> dict[str, str]:
        """Return the lifecycle states of `group` by instance id."""
        return {i["InstanceId"]: i["LifecycleState"] for i in self.describe()["Instances"]}

    def health(self, target_group: str) -> dict[str, str]:
        """Return target states by target id."""
        found = self.client("elbv2").describe_target_health(TargetGroupArn=target_group)
        return {
            entry["Target"]["Id"]: entry["TargetHealth"]["State"]
            for entry in found["TargetHealthDescriptions"]
        }

    def activities(self) -> list[dict[str, Any]]:
        """Return the scaling activities, newest first."""
        found: list[dict[str, Any]] = self.client("autoscaling").describe_scaling_activities()["Activities"]
        return found


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Server]:
    """Serve the emulated cloud, without the six hundred public images that take long to load.

    For a module, not for the session: other tests of this process want the images.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        server = Server()
        yield server
        server.stop()


@pytest.fixture
def cloud(endpoint: Server) -> Iterator[Cloud]:
    """Return an empty cloud in which nothing moves by itself, and without AWS's own policies.

    Reading those takes longer than most tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(default_user_config["iam"], "load_aws_managed_policies", False)
        aws.reset()
        yield Cloud(endpoint)
        aws.reset()


class Terraform:
    """Terraform in a directory of its own, against the emulated cloud."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))},
            **_CREDENTIALS,
            **provider.settings(provider.find_mirror(os.environ), os.environ, directory),
            "AWS_ENDPOINT_URL": url,
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
        }

    def run(self, *arguments: str, release: str = "v1") -> int:
        """Run a command to its end; return the exit status. Its output goes to the test's."""
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=self.directory,
            env=self.environment | {"TF_VAR_release": release},
            check=False,
            timeout=400,
        )
        return done.returncode


@pytest.fixture(scope="module")
def live_cloud(endpoint: Server) -> Iterator[Cloud]:
    """Return a cloud that reconciles itself and whose instances boot at once."""
    aws.reset()
    stop = threading.Event()
    cloud = Cloud(endpoint)
    thread = threading.Thread(target=_live, args=(cloud, stop), daemon=True)
    thread.start()
    yield cloud
    stop.set()
    thread.join()
    aws.reset()


def _live(cloud: Cloud, stop: threading.Event) -> None:
    while not stop.wait(0.2):
        cloud.boot()
        autoscaling.reconcile(time.time())


@pytest.fixture(scope="module")
def terraform(live_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """Apply the stack's first release; its state is in a bucket of the cloud."""
    if shutil.which("terraform") is None or provider.find_mirror(os.environ) is None:
        pytest.skip("needs a terraform executable and a mirror of the AWS provider")
    directory = tmp_path_factory.mktemp("terraform")
    shutil.copy(STACK, directory)
    live_cloud.client("s3").create_bucket(Bucket="terraform-state")
    terraform = Terraform(directory, live_cloud.url)
    assert terraform.run("init") == 0
    assert terraform.run("apply", "-auto-approve") == 0
    return terraform
