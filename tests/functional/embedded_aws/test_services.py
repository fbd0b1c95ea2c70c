"""The endpoint itself, and what the smaller services lack in moto."""

import json
import logging
import time
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core.config import default_user_config

from infra.embedded import aws
from infra.embedded.aws import ec2, views
from infra.embedded.aws.server import Server


def test_two_endpoints_share_the_cloud_and_stop(cloud: Any) -> None:
    """A second server takes another port, and a stopped one serves no longer."""
    server = Server()
    assert server.url != cloud.url
    assert type(cloud)(server).client("sts").get_caller_identity()["Account"] == "123456789012"
    server.stop()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(server.url, timeout=5)


def test_install_twice_changes_nothing(cloud: Any) -> None:
    """Fixes don't pile up."""
    from moto.autoscaling.responses import AutoScalingResponse

    before = AutoScalingResponse.create_auto_scaling_group
    aws.install()
    assert AutoScalingResponse.create_auto_scaling_group is before


@pytest.mark.parametrize(
    ("service", "action", "parameters"),
    [
        ("ec2", "get_spot_placement_scores", {"TargetCapacity": 1}),
        ("autoscaling", "describe_notification_configurations", {}),
        ("s3", "list_bucket_intelligent_tiering_configurations", {"Bucket": "bucket"}),
        ("logs", "list_anomalies", {}),
        ("lambda", "get_runtime_management_config", {"FunctionName": "f"}),
    ],
)
def test_missing_action_is_a_clear_error(
    cloud: Any, caplog: pytest.LogCaptureFixture, service: str, action: str, parameters: dict[str, Any]
) -> None:
    """Whatever its protocol, a service answers 400 with a code, and it is logged."""
    with caplog.at_level(logging.WARNING), pytest.raises(ClientError) as error:
        getattr(cloud.client(service), action)(**parameters)
    assert error.value.response["Error"]["Code"] == "NotImplemented"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert any("not emulated" in record.message for record in caplog.records)


def test_unknown_bucket_feature_leaves_the_bucket_alone(cloud: Any) -> None:
    """Deleting an unknown feature's configuration doesn't delete the bucket."""
    client = cloud.client("s3")
    client.create_bucket(Bucket="kept")
    with pytest.raises(ClientError, match="NotImplemented"):
        client.delete_bucket_intelligent_tiering_configuration(Bucket="kept", Id="x")
    assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == ["kept"]


def policy(condition: dict[str, Any], effect: str = "Deny") -> str:
    """Return a policy for the bucket."""
    statement = {
        "Effect": effect,
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
        "Condition": condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_tls_only_policy_lets_the_local_endpoint_through(cloud: Any) -> None:
    """A policy that denies requests without TLS denies nothing here, where the way is the machine itself."""
    client = cloud.client("s3")
    client.create_bucket(Bucket="bucket")
    client.put_bucket_policy(Bucket="bucket", Policy=policy({"Bool": {"aws:SecureTransport": "false"}}))
    client.put_object(Bucket="bucket", Key="k", Body=b"v")
    assert client.get_object(Bucket="bucket", Key="k")["Body"].read() == b"v"


def test_deny_that_does_apply_still_denies(cloud: Any) -> None:
    """Only what doesn't hold is skipped: denying TLS denies."""
    client = cloud.client("s3")
    client.create_bucket(Bucket="bucket")
    client.put_bucket_policy(Bucket="bucket", Policy=policy({"Bool": {"aws:SecureTransport": "true"}}))
    with pytest.raises(ClientError, match=r"403|AccessDenied|Forbidden"):
        client.put_object(Bucket="bucket", Key="k", Body=b"v")


def test_deny_to_all_but_a_role(cloud: Any) -> None:
    """A bucket for one reader refuses the content to everyone else, and only the content."""
    role = "arn:aws:iam::123456789012:role/reader"
    client = cloud.client("s3")
    client.create_bucket(Bucket="bucket")
    rule = json.loads(policy({"ArnNotEquals": {"aws:PrincipalArn": role}}))
    rule["Statement"][0] |= {"Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::bucket/*"]}
    client.put_bucket_policy(Bucket="bucket", Policy=json.dumps(rule))
    client.put_object(Bucket="bucket", Key="k", Body=b"v")
    client.put_object(Bucket="bucket", Key="k", Body=b"w")
    with pytest.raises(ClientError, match=r"403|AccessDenied|Forbidden"):
        client.get_object(Bucket="bucket", Key="k")
    given = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    reader: Any = boto3.client(
        "s3",
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert reader.get_object(Bucket="bucket", Key="k")["Body"].read() == b"w"
    assert [each["Key"] for each in client.list_objects_v2(Bucket="bucket")["Contents"]] == ["k"]
    client.delete_object(Bucket="bucket", Key="k")


def test_state_lock_is_exclusive(cloud: Any) -> None:
    """Terraform's lock file can be created once only."""
    client = cloud.client("s3")
    client.create_bucket(Bucket="bucket")
    client.put_object(Bucket="bucket", Key="state.tflock", Body=b"me", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket="bucket", Key="state.tflock", Body=b"you", IfNoneMatch="*")


def test_deep_learning_ami_exists_in_every_region(cloud: Any) -> None:
    """The public parameter resolves to an image that can be described, a different one in each region."""
    found = set()
    for region in ("us-east-1", "eu-west-3"):
        session = {
            "endpoint_url": cloud.url,
            "region_name": region,
            "aws_access_key_id": "a",
            "aws_secret_access_key": "b",
        }
        name = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
        image = boto3.client("ssm", **session).get_parameter(Name=name)["Parameter"]["Value"]
        (described,) = boto3.client("ec2", **session).describe_images(ImageIds=[image])["Images"]
        assert "Ubuntu 24.04" in described["Name"]
        found.add(image)
    assert len(found) == 2


def test_managed_policies_can_be_attached(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own policies are there, as the server configures it."""
    monkeypatch.setitem(default_user_config, "iam", {})
    Server().stop()
    client = cloud.client("iam")
    client.create_role(RoleName="r", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    client.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert client.list_attached_role_policies(RoleName="r")["AttachedPolicies"][0]["PolicyArn"] == arn


def test_template_tags_stay_the_templates_own(cloud: Any) -> None:
    """Tags of a template are not in its data, and changing them shows."""
    client = cloud.client("ec2")
    created = client.create_launch_template(
        LaunchTemplateName="t",
        LaunchTemplateData=cloud.template_data("v1"),
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "a", "Value": "1"}]}],
    )["LaunchTemplate"]["LaunchTemplateId"]
    (version,) = client.describe_launch_template_versions(LaunchTemplateId=created)["LaunchTemplateVersions"]
    assert "TagSpecifications" not in version["LaunchTemplateData"]
    client.create_tags(Resources=[created], Tags=[{"Key": "a", "Value": "2"}])
    assert client.describe_launch_templates()["LaunchTemplates"][0]["Tags"] == [{"Key": "a", "Value": "2"}]


def test_rule_description_is_kept_for_a_security_group_source(cloud: Any) -> None:
    """The description of a rule reads back whatever its source is."""
    vpc, _ = cloud.network()
    client = cloud.client("ec2")
    one, two = (
        client.create_security_group(GroupName=n, Description="d", VpcId=vpc)["GroupId"] for n in "ab"
    )
    pair = {"GroupId": two, "Description": "why"}
    client.authorize_security_group_ingress(
        GroupId=one,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [pair]}],
    )
    rules = client.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [one]}])
    assert [r["Description"] for r in rules["SecurityGroupRules"] if not r["IsEgress"]] == ["why"]


def test_instance_is_pending_until_it_runs(cloud: Any) -> None:
    """Who runs the processes says when an instance runs and when it is no more; then it stays so."""
    launched = cloud.client("ec2").run_instances(
        ImageId=cloud.image(),
        MinCount=1,
        MaxCount=1,
        InstanceType="g5.xlarge",
        SubnetId=cloud.network()[1][0],
    )
    instance = launched["Instances"][0]["InstanceId"]
    assert views.instances()[0].state == "pending"
    ec2.mark_running(instance)
    assert views.instances()[0].state == "running"
    ec2.mark_terminated(instance, "Server.InternalError: the process died")
    ec2.mark_running(instance)
    assert views.instances()[0].state == "terminated"
    with pytest.raises(ec2.UnknownInstanceError):
        ec2.mark_running("i-0")


def test_launch_time_is_epoch_seconds(cloud: Any) -> None:
    """Ages computed from the view are right in every time zone."""
    import time

    before = time.time()
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.reconcile()
    assert before - 5 < views.instances()[0].launched < time.time() + 5


def test_log_events_of_streams_with_a_prefix(cloud: Any) -> None:
    """Asking for one instance's streams gives no other instance's lines."""
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="group")
    for stream in ("i-1/engine", "i-2/engine"):
        logs.create_log_stream(logGroupName="group", logStreamName=stream)
        logs.put_log_events(
            logGroupName="group",
            logStreamName=stream,
            logEvents=[{"timestamp": int(time.time() * 1000), "message": stream}],
        )
    found = logs.filter_log_events(logGroupName="group", logStreamNamePrefix="i-1/")
    assert [event["message"] for event in found["events"]] == ["i-1/engine"]
    assert logs.filter_log_events(logGroupName="group", logStreamNamePrefix="i-3/")["events"] == []


def test_deleted_nat_gateway_takes_its_interface_along(cloud: Any) -> None:
    """Nothing of a NAT gateway is left in the subnet."""
    client = cloud.client("ec2")
    address = client.allocate_address(Domain="vpc")["AllocationId"]
    gateway = client.create_nat_gateway(SubnetId=cloud.network()[1][0], AllocationId=address)
    assert client.describe_network_interfaces()["NetworkInterfaces"]
    client.delete_nat_gateway(NatGatewayId=gateway["NatGateway"]["NatGatewayId"])
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []


def test_second_attempt_of_a_call_gets_the_first_ones_answer(cloud: Any) -> None:
    """An SDK that lost an answer and asks again neither creates twice nor fails; a new call is a new call."""

    def create(call: str, attempt: int) -> tuple[int, bytes]:
        request = urllib.request.Request(
            cloud.url,
            data=b"Action=CreateLaunchTemplate&Version=2016-11-15&LaunchTemplateName=lost"
            b"&LaunchTemplateData.InstanceType=g5.xlarge",
            headers={
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request, "
                "SignedHeaders=host, Signature=0",
                "Content-Type": "application/x-www-form-urlencoded",
                "amz-sdk-invocation-id": call,
                "amz-sdk-request": f"attempt={attempt}; max=3",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    first = create("a", 1)
    assert first[0] == 200
    assert create("a", 2) == first
    assert create("b", 1)[0] == 400
