"""Autoscaling on moto: what groups do, as the API shows it."""

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.embedded.aws import autoscaling, views

IN_SERVICE = ["InService", "InService"]


def test_desired_capacity_is_only_a_wish(cloud: Any) -> None:
    """The API call launches nothing; reconciling does, spread over the zones."""
    cloud.group(cloud.network()[1])
    assert cloud.describe()["Instances"] == []
    cloud.reconcile()
    instances = cloud.describe()["Instances"]
    assert sorted(i["AvailabilityZone"] for i in instances) == ["us-east-1a", "us-east-1b"]
    assert {i["LifecycleState"] for i in instances} == {"Pending"}


def test_instances_enter_service_when_they_run(cloud: Any) -> None:
    """An instance is pending until it is said to run."""
    cloud.group(cloud.network()[1])
    cloud.reconcile(times=3)
    assert set(cloud.states().values()) == {"Pending"}
    cloud.boot()
    cloud.reconcile(times=2)
    assert list(cloud.states().values()) == IN_SERVICE


def test_instance_is_what_the_pinned_version_says(cloud: Any) -> None:
    """User data, tags, groups, volume and metadata options are the pinned version's, not the default's."""
    vpc, subnets = cloud.network()
    client = cloud.client("ec2")
    security_group = client.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    template = cloud.template("first")
    client.create_launch_template_version(
        LaunchTemplateId=template,
        LaunchTemplateData=cloud.template_data(
            "second",
            SecurityGroupIds=[security_group],
            MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
            BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 100, "Encrypted": True}}],
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": "model", "Value": "chat"}]},
                {"ResourceType": "volume", "Tags": [{"Key": "of", "Value": "chat"}]},
            ],
        ),
    )
    cloud.group(
        subnets[:1],
        DesiredCapacity=1,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "2"},
        Tags=[
            {"Key": "slot", "Value": "blue", "PropagateAtLaunch": True},
            {"Key": "hidden", "Value": "yes", "PropagateAtLaunch": False},
        ],
    )
    cloud.reconcile()
    (view,) = views.instances()
    assert view.user_data == b"second"
    assert view.launch_template_version == 2
    assert view.metadata_tags
    assert view.tags == {
        "model": "chat",
        "slot": "blue",
        "aws:autoscaling:groupName": "group",
        "aws:ec2launchtemplate:id": template,
        "aws:ec2launchtemplate:version": "2",
    }
    described = client.describe_instances()["Reservations"][0]["Instances"][0]
    assert [group["GroupId"] for group in described["SecurityGroups"]] == [security_group]
    assert described["MetadataOptions"]["HttpTokens"] == "required"
    (volume,) = client.describe_volumes()["Volumes"]
    assert (volume["Size"], volume["Encrypted"]) == (100, True)
    assert {"Key": "of", "Value": "chat"} in volume["Tags"]


def test_instance_has_the_templates_role(cloud: Any) -> None:
    """The instance profile of the template is associated, and its role is in the view."""
    iam = cloud.client("iam")
    iam.create_role(RoleName="engine", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    profile = iam.create_instance_profile(InstanceProfileName="engine")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="engine", RoleName="engine")
    template = cloud.template(IamInstanceProfile={"Arn": profile})
    cloud.group(cloud.network()[1], LaunchTemplate={"LaunchTemplateId": template, "Version": "1"})
    cloud.reconcile()
    assert {view.role_name for view in views.instances()} == {"engine"}


def mixed(cloud: Any, base: int = 0, percentage: int = 0) -> dict[str, Any]:
    """Return a mixed-instances policy."""
    return {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateId": cloud.template(), "Version": "1"},
            "Overrides": [{"InstanceType": "g6.xlarge"}, {"InstanceType": "g5.xlarge"}],
        },
        "InstancesDistribution": {
            "OnDemandBaseCapacity": base,
            "OnDemandPercentageAboveBaseCapacity": percentage,
            "SpotAllocationStrategy": "price-capacity-optimized",
        },
    }


def test_spot_group_launches_spot_of_the_overrides_types(cloud: Any) -> None:
    """Types come from the overrides and DescribeInstances says spot, beyond the on-demand base."""
    cloud.group(cloud.network()[1], MixedInstancesPolicy=mixed(cloud, base=1))
    cloud.reconcile()
    assert sorted(view.market for view in views.instances()) == ["on-demand", "spot"]
    assert {view.instance_type for view in views.instances()} == {"g6.xlarge"}
    reservations = cloud.client("ec2").describe_instances()["Reservations"]
    assert sorted(r["Instances"][0].get("InstanceLifecycle", "") for r in reservations) == ["", "spot"]


def test_update_keeps_the_mixed_instances_policy(cloud: Any) -> None:
    """An update of the size leaves policy and template version alone."""
    cloud.group(cloud.network()[1], MixedInstancesPolicy=mixed(cloud))
    before = cloud.describe()["MixedInstancesPolicy"]
    cloud.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="group", MaxSize=3)
    assert cloud.describe()["MixedInstancesPolicy"] == before
    assert "LaunchTemplate" not in cloud.describe()


def test_parameters_read_back_as_written(cloud: Any) -> None:
    """A warm-up, a grace period of 0, rebalancing and a cooldown survive create and update."""
    written = {
        "DefaultInstanceWarmup": 30,
        "HealthCheckGracePeriod": 0,
        "CapacityRebalance": True,
        "DefaultCooldown": 7,
    }
    cloud.group(cloud.network()[1], **written)
    assert {key: cloud.describe()[key] for key in written} == written
    changed = {
        "DefaultInstanceWarmup": 40,
        "HealthCheckGracePeriod": 60,
        "CapacityRebalance": False,
        "DefaultCooldown": 8,
        "TerminationPolicies": ["OldestInstance"],
    }
    cloud.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="group", **changed)
    assert {key: cloud.describe()[key] for key in changed} == changed


def test_grace_period_is_zero_unless_told(cloud: Any) -> None:
    """The API's default is 0, not the console's 300."""
    cloud.group(cloud.network()[1])
    assert cloud.describe()["HealthCheckGracePeriod"] == 0


def test_group_of_the_same_name_is_refused(cloud: Any) -> None:
    """Creating a group twice doesn't replace the first."""
    subnets = cloud.network()[1]
    cloud.group(subnets)
    with pytest.raises(ClientError, match="AlreadyExists"):
        cloud.group(subnets, LaunchTemplate={"LaunchTemplateName": "model", "Version": "1"})


@pytest.mark.parametrize("desired", [-1, 5])
def test_desired_capacity_out_of_bounds_is_refused(cloud: Any, desired: int) -> None:
    """The wish must lie between the minimum and the maximum."""
    cloud.group(cloud.network()[1])
    with pytest.raises(ClientError, match="ValidationError"):
        cloud.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName="group", DesiredCapacity=desired
        )


def test_new_bounds_pull_the_desired_capacity_along(cloud: Any) -> None:
    """Raising the minimum raises the wish, lowering the maximum lowers it."""
    cloud.group(cloud.network()[1])
    update = cloud.client("autoscaling").update_auto_scaling_group
    update(AutoScalingGroupName="group", MinSize=3)
    assert cloud.describe()["DesiredCapacity"] == 3
    update(AutoScalingGroupName="group", MinSize=0, MaxSize=1)
    assert cloud.describe()["DesiredCapacity"] == 1


def test_instance_terminated_by_the_api_is_replaced(cloud: Any) -> None:
    """TerminateInstances is seen by the group, which replaces the instance by the market's rules."""
    cloud.group(cloud.network()[1])
    cloud.settle()
    victim = next(iter(cloud.states()))
    cloud.client("ec2").terminate_instances(InstanceIds=[victim])
    cloud.settle()
    assert list(cloud.states().values()) == IN_SERVICE
    assert victim not in cloud.states()


def test_terminate_in_group_with_and_without_decrement(cloud: Any) -> None:
    """Without decrement the instance is replaced; with it the group shrinks, but not below its minimum."""
    cloud.group(cloud.network()[1], MinSize=1)
    cloud.settle()
    terminate = cloud.client("autoscaling").terminate_instance_in_auto_scaling_group
    first, second = cloud.states()
    activity = terminate(InstanceId=first, ShouldDecrementDesiredCapacity=False)["Activity"]
    assert activity["Description"] == f"Terminating EC2 instance: {first}"
    cloud.settle()
    assert len(cloud.states()) == 2
    terminate(InstanceId=second, ShouldDecrementDesiredCapacity=True)
    cloud.settle()
    (last,) = cloud.states()
    with pytest.raises(ClientError, match="desiredSize equals minSize"):
        terminate(InstanceId=last, ShouldDecrementDesiredCapacity=True)


def test_refused_launch_fails_and_is_tried_again(cloud: Any) -> None:
    """Without capacity there is a failed activity and a pause; when the market gives, the group is filled."""
    asked: list[tuple[str, str, str]] = []

    def nothing(zone: str, instance_type: str, market: str) -> bool:
        asked.append((zone, instance_type, market))
        return False

    cloud.group(cloud.network()[1], DesiredCapacity=1, MixedInstancesPolicy=mixed(cloud))
    autoscaling.set_capacity(nothing)
    cloud.reconcile()
    assert cloud.states() == {}
    assert len(set(asked)) == 4
    (activity,) = cloud.activities()
    assert activity["StatusCode"] == "Failed"
    assert "InsufficientInstanceCapacity" in activity["StatusMessage"]
    autoscaling.set_capacity(None)
    cloud.reconcile(after=9)
    assert cloud.states() == {}
    cloud.reconcile(after=1)
    assert len(cloud.states()) == 1


def test_market_decides_zone_and_type(cloud: Any) -> None:
    """A launch falls back to the type and zone where there is capacity."""
    cloud.group(cloud.network()[1], MixedInstancesPolicy=mixed(cloud))
    autoscaling.set_capacity(lambda zone, kind, market: (zone, kind) == ("us-east-1b", "g5.xlarge"))
    cloud.reconcile()
    assert {(view.zone, view.instance_type) for view in views.instances()} == {("us-east-1b", "g5.xlarge")}


def test_launch_of_an_unknown_image_fails_with_its_reason(cloud: Any) -> None:
    """A template that can't be launched shows up as a failed activity, not as an error of the daemon."""
    template = cloud.template(ImageId="ami-0123456789abcdef0")
    cloud.group(cloud.network()[1], LaunchTemplate={"LaunchTemplateId": template, "Version": "1"})
    cloud.reconcile()
    assert "InvalidAMIID.NotFound" in cloud.activities()[0]["StatusMessage"]


def test_activities_tell_what_happened_and_why(cloud: Any) -> None:
    """A launch is in progress until the instance is in service; the cause names the capacities."""
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.reconcile()
    (activity,) = cloud.activities()
    assert activity["StatusCode"] == "PreInService"
    assert "increasing the capacity from 0 to 1" in activity["Cause"]
    cloud.settle()
    (activity,) = cloud.activities()
    assert (activity["StatusCode"], activity["Progress"]) == ("Successful", 100)


def test_group_with_instances_is_only_deleted_by_force(cloud: Any) -> None:
    """Delete refuses while there are instances; force ends them past hooks, then the group goes."""
    cloud.group(cloud.network()[1])
    cloud.hook("down", "TERMINATING", HeartbeatTimeout=60)
    cloud.settle()
    client = cloud.client("autoscaling")
    with pytest.raises(ClientError, match="ResourceInUse"):
        client.delete_auto_scaling_group(AutoScalingGroupName="group")
    client.delete_auto_scaling_group(AutoScalingGroupName="group", ForceDelete=True)
    assert cloud.describe()["Status"] == "Delete in progress"
    cloud.reconcile(times=2)
    assert client.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert {view.state for view in views.instances()} == {"terminated"}


_IN_GROUP = {"AutoScalingGroupName": "group"}
_REFUSED: dict[str, dict[str, Any]] = {
    "attach_instances": _IN_GROUP,
    "create_launch_configuration": {"LaunchConfigurationName": "c"},
    "detach_instances": {**_IN_GROUP, "ShouldDecrementDesiredCapacity": True},
    "enter_standby": {**_IN_GROUP, "ShouldDecrementDesiredCapacity": True},
    "exit_standby": _IN_GROUP,
    "put_warm_pool": {**_IN_GROUP, "PoolState": "Running"},
    "start_instance_refresh": _IN_GROUP,
}


@pytest.mark.parametrize("action", _REFUSED)
def test_what_is_not_emulated_is_refused(cloud: Any, action: str) -> None:
    """Actions that nothing would carry out answer a clear error."""
    cloud.group(cloud.network()[1])
    with pytest.raises(ClientError, match="NotImplemented"):
        getattr(cloud.client("autoscaling"), action)(**_REFUSED[action])


def test_calls_and_reconciling_may_run_at_the_same_time(cloud: Any) -> None:
    """A reconciler and API calls in several threads leave a consistent group."""
    cloud.group(cloud.network()[1], MaxSize=10)
    stop = threading.Event()
    errors: list[Exception] = []

    def live() -> None:
        try:
            while not stop.wait(0.01):
                cloud.boot()
                cloud.reconcile()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
            errors.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    client = cloud.client("autoscaling")
    for desired in (8, 1, 6, 0, 3):
        client.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=desired)
        client.describe_auto_scaling_instances()
    stop.set()
    thread.join()
    cloud.settle()
    assert errors == []
    assert list(cloud.states().values()) == ["InService"] * 3
