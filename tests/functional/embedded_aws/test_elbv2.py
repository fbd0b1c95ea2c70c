"""Target health and the balancer's view of load balancers."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.embedded.aws import ec2, elbv2, health, views
from infra.embedded.aws.health import TargetState


@pytest.fixture
def target(cloud: Any) -> tuple[str, str]:
    """Return a target group that a listener uses, and an instance registered in it."""
    vpc, subnets = cloud.network()
    group = cloud.target_group(vpc)
    cloud.listener(subnets, group)
    return group, register(cloud, group, subnets[0])


def register(cloud: Any, group: str, subnet: str) -> str:
    """Run an instance and register it."""
    client = cloud.client("ec2")
    launched = client.run_instances(
        ImageId=cloud.image(), MinCount=1, MaxCount=1, InstanceType="g5.xlarge", SubnetId=subnet
    )
    instance = str(launched["Instances"][0]["InstanceId"])
    ec2.mark_running(instance)
    cloud.client("elbv2").register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    return instance


def test_reported_health_is_described(cloud: Any, target: tuple[str, str]) -> None:
    """A target is initial until the balancer reports; then its report is the answer, reason included."""
    group, instance = target
    describe = cloud.client("elbv2").describe_target_health
    (entry,) = describe(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert entry["TargetHealth"]["Reason"] == "Elb.RegistrationInProgress"
    elbv2.set_target_health(
        group, instance, 8000, TargetState.UNHEALTHY, "Target.Timeout", "Request timed out"
    )
    (entry,) = describe(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert entry["TargetHealth"] == {
        "State": "unhealthy",
        "Reason": "Target.Timeout",
        "Description": "Request timed out",
    }


def test_target_of_an_unused_group_is_unused(cloud: Any) -> None:
    """Without a listener nobody checks, and nobody drains."""
    vpc, subnets = cloud.network()
    group = cloud.target_group(vpc)
    instance = register(cloud, group, subnets[0])
    assert cloud.health(group) == {instance: "unused"}
    cloud.client("elbv2").deregister_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    assert cloud.health(group) == {}


def test_deregistered_target_drains(cloud: Any, target: tuple[str, str]) -> None:
    """It stays listed, by id too, until its delay is over; the balancer sees it as draining."""
    group, instance = target
    client = cloud.client("elbv2")
    client.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
    )
    client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    assert cloud.health(group) == {instance: "draining"}
    named = client.describe_target_health(TargetGroupArn=group, Targets=[{"Id": instance}])
    assert named["TargetHealthDescriptions"][0]["TargetHealth"]["State"] == "draining"
    (view,) = views.target_groups()
    assert view.deregistration_delay == 30
    assert [(t.id, t.port, t.state) for t in view.targets] == [(instance, 8000, TargetState.DRAINING)]
    cloud.reconcile()
    cloud.reconcile(after=30)
    assert cloud.health(group) == {}


def test_deregistering_twice_is_no_error(cloud: Any, target: tuple[str, str]) -> None:
    """As on AWS, taking out what is not in succeeds."""
    group, instance = target
    for _ in range(2):
        cloud.client("elbv2").deregister_targets(TargetGroupArn=group, Targets=[{"Id": instance}])


def test_terminated_instance_is_no_target(cloud: Any, target: tuple[str, str]) -> None:
    """A dead instance leaves its target group at once and doesn't drain."""
    group, instance = target
    cloud.client("ec2").terminate_instances(InstanceIds=[instance])
    assert cloud.health(group) == {}


def test_deleted_target_group_forgets_its_health(cloud: Any) -> None:
    """Health doesn't outlive its group."""
    vpc, subnets = cloud.network()
    group = cloud.target_group(vpc)
    listener = cloud.listener(subnets, group)
    instance = register(cloud, group, subnets[0])
    elbv2.set_target_health(group, instance, 8000, TargetState.HEALTHY)
    assert health.STORE.health(group, instance, 8000).state is TargetState.HEALTHY
    cloud.client("elbv2").delete_listener(ListenerArn=listener)
    cloud.client("elbv2").delete_target_group(TargetGroupArn=group)
    assert health.STORE.health(group, instance, 8000).state is TargetState.INITIAL


def test_view_shows_rules_in_order_with_their_actions(cloud: Any) -> None:
    """The balancer gets conditions, weights, redirects and fixed responses, default rule last."""
    vpc, subnets = cloud.network()
    blue, green = cloud.target_group(vpc), cloud.target_group(vpc, "green")
    listener = cloud.listener(subnets, blue)
    create = cloud.client("elbv2").create_rule
    weights = [{"TargetGroupArn": blue, "Weight": 95}, {"TargetGroupArn": green, "Weight": 5}]
    create(
        ListenerArn=listener,
        Priority=20,
        Conditions=[
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/chat/*"]}},
            {"Field": "host-header", "Values": ["chat.example.com"]},
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["b*"]}},
        ],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}],
    )
    fixed = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "no"}
    redirect = {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443"}
    for priority, action in (
        (5, {"Type": "fixed-response", "FixedResponseConfig": fixed}),
        (10, {"Type": "redirect", "RedirectConfig": redirect}),
    ):
        condition = {"Field": "path-pattern", "Values": [f"/{priority}"]}
        create(ListenerArn=listener, Priority=priority, Conditions=[condition], Actions=[action])
    (balancer,) = views.load_balancers()
    rules = balancer.listeners[0].rules
    assert [rule.priority for rule in rules] == [5, 10, 20, None]
    assert rules[0].action == views.FixedResponse(status_code=404, content_type="text/plain", body="no")
    assert rules[1].action == views.Redirect(
        status_code=301, protocol="HTTPS", host="#{host}", port="443", path="/#{path}", query="#{query}"
    )
    assert rules[2].conditions == (
        views.Condition(field=views.ConditionField.PATH, values=("/chat/*",)),
        views.Condition(field=views.ConditionField.HOST, values=("chat.example.com",)),
        views.Condition(field=views.ConditionField.HEADER, values=("b*",), header="X-A"),
    )
    assert rules[2].action == views.Forward(
        target_groups=(
            views.WeightedTargetGroup(arn=blue, weight=95),
            views.WeightedTargetGroup(arn=green, weight=5),
        )
    )
    assert [group.arn for group in balancer.target_groups] == [blue, green]


def test_https_listener_comes_with_its_certificate(cloud: Any) -> None:
    """The balancer can serve TLS: certificate and key are in the view."""
    certificate = cloud.client("acm").request_certificate(DomainName="llm.example.com")["CertificateArn"]
    vpc, subnets = cloud.network()
    group = cloud.target_group(vpc)
    cloud.listener(subnets, group)
    client = cloud.client("elbv2")
    client.create_listener(
        LoadBalancerArn=client.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    plain, secure = views.load_balancers()[0].listeners
    assert plain.certificate is None
    assert secure.certificate is not None
    assert secure.certificate.certificate.startswith(b"-----BEGIN CERTIFICATE-----")
    assert b"PRIVATE KEY-----" in secure.certificate.private_key


def test_address_of_a_balancer_can_be_set(cloud: Any) -> None:
    """The balancer tells where it listens; the API and the view show it."""
    vpc, subnets = cloud.network()
    cloud.listener(subnets, cloud.target_group(vpc))
    elbv2.set_dns_name(views.load_balancers()[0].arn, "127.9.0.1")
    assert views.load_balancers()[0].dns_name == "127.9.0.1"
    described = cloud.client("elbv2").describe_load_balancers()["LoadBalancers"][0]
    assert described["DNSName"] == "127.9.0.1"
    with pytest.raises(elbv2.UnknownLoadBalancerError):
        elbv2.set_dns_name("arn:none", "127.9.0.1")


def test_what_the_balancer_can_not_carry_out_is_refused(cloud: Any) -> None:
    """A condition on the source address or an authentication would be ignored: each is an error."""
    vpc, subnets = cloud.network()
    group = cloud.target_group(vpc)
    listener = cloud.listener(subnets, group)
    client = cloud.client("elbv2")
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    path = [{"Field": "path-pattern", "Values": ["/a"]}]
    address = [{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}]
    balancer = {"LoadBalancerArn": views.load_balancers()[0].arn, "Protocol": "HTTP", "Port": 81}
    login = {"UserPoolArn": "arn:p", "UserPoolClientId": "c", "UserPoolDomain": "d"}
    authenticate = [{"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": login}]
    rule = client.create_rule(ListenerArn=listener, Priority=2, Conditions=path, Actions=forward)["Rules"][0]
    with pytest.raises(ClientError, match=r"NotImplemented.*source-ip"):
        client.create_rule(ListenerArn=listener, Priority=1, Conditions=address, Actions=forward)
    with pytest.raises(ClientError, match=r"NotImplemented.*source-ip"):
        client.modify_rule(RuleArn=rule["RuleArn"], Conditions=address)
    with pytest.raises(ClientError, match=r"NotImplemented.*authenticate-cognito"):
        client.create_listener(**balancer, DefaultActions=authenticate)
    with pytest.raises(ClientError, match=r"NotImplemented.*authenticate-cognito"):
        client.modify_listener(ListenerArn=listener, DefaultActions=authenticate)


def test_instances_may_end_beside_a_function(cloud: Any) -> None:
    """A target group of functions has no port, and no interest in instances that are terminated."""
    elbv2, ec2 = cloud.client("elbv2"), cloud.client("ec2")
    group = elbv2.create_target_group(Name="waker", TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    function = "arn:aws:lambda:us-east-1:123456789012:function:waker"
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": function}])
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    started = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.terminate_instances(InstanceIds=[started])
    (target,) = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert target["Target"]["Id"] == function
