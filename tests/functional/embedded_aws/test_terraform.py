"""One representative stack through its life: applied, clean, moved by the runtime, updated, destroyed.

The tests of this file share the applied stack and run in order.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.terraform


def _until(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def _group(cloud: Any, name: str) -> Any:
    client = cloud.client("autoscaling")
    return client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]


def _in_service(cloud: Any, name: str) -> int:
    return sum(i["LifecycleState"] == "InService" for i in _group(cloud, name)["Instances"])


def test_plan_is_empty_after_apply(terraform: Any) -> None:
    """Nothing that was written reads back differently."""
    assert terraform.run("plan", "-detailed-exitcode") == 0


def test_group_launches_what_the_stack_says(terraform: Any, live_cloud: Any) -> None:
    """An instance has the image, tags, profile, metadata options and volume that Terraform configured."""
    _until(lambda: _in_service(live_cloud, "proof-on-demand") == 1)
    (instance,) = [
        instance
        for reservation in live_cloud.client("ec2").describe_instances()["Reservations"]
        for instance in reservation["Instances"]
    ]
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert instance["ImageId"] == live_cloud.image()
    assert tags["Name"] == "proof-chat"
    assert tags["slot"] == "blue"
    assert tags["aws:autoscaling:groupName"] == "proof-on-demand"
    assert instance["IamInstanceProfile"]["Arn"].endswith("instance-profile/proof")
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert [mapping["DeviceName"] for mapping in instance["BlockDeviceMappings"]] == ["/dev/sda1"]


def test_runtime_may_move_what_it_owns(terraform: Any, live_cloud: Any) -> None:
    """Weights, sizes and the pinned version are the runtime's: changing them is no drift."""
    balancing, scaling = live_cloud.client("elbv2"), live_cloud.client("autoscaling")
    groups = {
        g["TargetGroupName"]: g["TargetGroupArn"] for g in balancing.describe_target_groups()["TargetGroups"]
    }
    listeners = balancing.describe_listeners(
        LoadBalancerArn=balancing.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    )["Listeners"]
    https = next(listener["ListenerArn"] for listener in listeners if listener["Port"] == 443)
    rule = next(r for r in balancing.describe_rules(ListenerArn=https)["Rules"] if not r["IsDefault"])
    weights = [{"TargetGroupArn": groups[f"proof-{slot}"], "Weight": 50} for slot in ("blue", "green")]
    balancing.modify_rule(
        RuleArn=rule["RuleArn"], Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}]
    )
    scaling.update_auto_scaling_group(AutoScalingGroupName="proof-spot", MinSize=1, DesiredCapacity=2)
    _until(lambda: len(_group(live_cloud, "proof-spot")["Instances"]) == 2)
    assert terraform.run("plan", "-detailed-exitcode") == 0


def test_new_release_is_a_new_version_and_moves_nothing(terraform: Any, live_cloud: Any) -> None:
    """An update makes the next template version; the groups stay on theirs, and the plan is empty again."""
    assert terraform.run("apply", "-auto-approve", release="v2") == 0
    assert terraform.run("plan", "-detailed-exitcode", release="v2") == 0
    template = live_cloud.client("ec2").describe_launch_templates()["LaunchTemplates"][0]
    assert template["LatestVersionNumber"] == 2
    spot = _group(live_cloud, "proof-spot")
    specification = spot["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]
    assert specification["Version"] == "1"
    assert spot["DesiredCapacity"] == 2


def test_pinned_new_version_is_what_gets_launched(terraform: Any, live_cloud: Any) -> None:
    """After the runtime pins a version, launches carry that version's user data and tags."""
    template = live_cloud.client("ec2").describe_launch_templates()["LaunchTemplates"][0]
    live_cloud.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName="proof-on-demand",
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "2"},
        DesiredCapacity=2,
    )
    _until(lambda: _in_service(live_cloud, "proof-on-demand") == 2)
    newest = max(
        _group(live_cloud, "proof-on-demand")["Instances"], key=lambda i: i["LaunchTemplate"]["Version"]
    )
    found = live_cloud.client("ec2").describe_instances(InstanceIds=[newest["InstanceId"]])
    tags = {tag["Key"]: tag["Value"] for tag in found["Reservations"][0]["Instances"][0]["Tags"]}
    assert tags["release"] == "v2"
    assert tags["aws:ec2launchtemplate:version"] == "2"
    assert terraform.run("plan", "-detailed-exitcode", release="v2") == 0


def test_destroy_leaves_nothing(terraform: Any, live_cloud: Any) -> None:
    """Everything goes, instances, volumes and interfaces included; only the state bucket stays."""
    assert terraform.run("destroy", "-auto-approve", release="v2") == 0
    ec2 = live_cloud.client("ec2")
    states = {
        instance["State"]["Name"]
        for reservation in ec2.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
    }
    assert states == {"terminated"}
    assert [b["Name"] for b in live_cloud.client("s3").list_buckets()["Buckets"]] == ["terraform-state"]
    left = {
        "volumes": ec2.describe_volumes()["Volumes"],
        "interfaces": ec2.describe_network_interfaces()["NetworkInterfaces"],
        "templates": ec2.describe_launch_templates()["LaunchTemplates"],
        "vpcs": [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]],
        "addresses": ec2.describe_addresses()["Addresses"],
        "groups": live_cloud.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"],
        "policies": live_cloud.client("autoscaling").describe_policies()["ScalingPolicies"],
        "schedules": live_cloud.client("autoscaling").describe_scheduled_actions()[
            "ScheduledUpdateGroupActions"
        ],
        "alarms": live_cloud.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "balancers": live_cloud.client("elbv2").describe_load_balancers()["LoadBalancers"],
        "target groups": live_cloud.client("elbv2").describe_target_groups()["TargetGroups"],
        "tables": live_cloud.client("dynamodb").list_tables()["TableNames"],
        "secrets": live_cloud.client("secretsmanager").list_secrets()["SecretList"],
        "log groups": live_cloud.client("logs").describe_log_groups()["logGroups"],
        "profiles": live_cloud.client("iam").list_instance_profiles()["InstanceProfiles"],
        "topics": live_cloud.client("sns").list_topics()["Topics"],
        "subscriptions": live_cloud.client("sns").list_subscriptions()["Subscriptions"],
        "zones": live_cloud.client("route53").list_hosted_zones()["HostedZones"],
        "certificates": live_cloud.client("acm").list_certificates()["CertificateSummaryList"],
    }
    assert {kind: found for kind, found in left.items() if found} == {}
    keys = [o["Key"] for o in live_cloud.client("s3").list_objects_v2(Bucket="terraform-state")["Contents"]]
    assert keys == ["test.tfstate"]
