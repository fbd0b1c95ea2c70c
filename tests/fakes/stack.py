"""What a stack leaves in AWS, made with plain API calls: for tests of adapters that need no Terraform."""

from datetime import UTC, datetime
from typing import Any

from infra.aws.balancer import AwsBalancer
from infra.aws.fleet import AwsFleet
from infra.aws.runtime_table import RuntimeTable
from infra.aws.session import Session
from infra.deploy.motion import carry_out, steps
from infra.deploy.observe import read
from infra.embedded.aws import autoscaling, ec2, elbv2, views
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot


def build(session: Session, environment: Environment) -> None:
    """Create all that the adapters of `infra.aws` read, as Terraform would: empty, blue 100, green 0."""
    vpc = session.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [_subnet(session, vpc, number, zone) for number, zone in enumerate("ab")]
    _tables(session, environment)
    image = session.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    listener = _listener(session, environment, subnets)
    for priority, model in enumerate(environment.models, 1):
        _model(session, environment, model, image, vpc, subnets, listener, priority)


def bring_up(session: Session, environment: Environment) -> None:
    """Do what `deploy` does after apply, and let every instance that gets capacity come up healthy."""
    fleet, runtime = AwsFleet(session, environment), RuntimeTable(session, environment.environment)
    facts = read(fleet, AwsBalancer(session, environment), runtime)
    for step in steps(environment, facts, datetime.now(UTC)):
        carry_out(step, fleet, runtime)
    for now in range(5):
        autoscaling.reconcile(float(now))
        for instance in views.instances():
            if instance.state == "pending":
                ec2.mark_running(instance.id)
    for balancer in views.load_balancers():
        for group in balancer.target_groups:
            for target in group.targets:
                elbv2.set_target_health(group.arn, target.id, target.port, views.TargetState.HEALTHY, "", "")


def _subnet(session: Session, vpc: str, number: int, zone: str) -> str:
    made = session.ec2.create_subnet(
        VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{session.region}{zone}"
    )
    return made["Subnet"]["SubnetId"]


def _tables(session: Session, environment: Environment) -> None:
    session.dynamodb.create_table(
        TableName=names.runtime_table(environment.environment),
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    session.secretsmanager.create_secret(
        Name=names.api_key_secret(environment.environment), Tags=_tags(environment)
    )


def _listener(session: Session, environment: Environment, subnets: list[str]) -> str:
    balancer = session.elbv2.create_load_balancer(
        Name=names.balancer(environment.environment), Subnets=subnets, Tags=_tags(environment)
    )["LoadBalancers"][0]["LoadBalancerArn"]
    listener = session.elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )
    return listener["Listeners"][0]["ListenerArn"]


def _model(
    session: Session,
    environment: Environment,
    model: str,
    image: str,
    vpc: str,
    subnets: list[str],
    listener: str,
    priority: int,
) -> None:
    session.logs.create_log_group(logGroupName=names.log_group(environment.environment, model))
    template = names.launch_template(environment.environment, model)
    session.ec2.create_launch_template(
        LaunchTemplateName=template,
        LaunchTemplateData={"ImageId": image, "InstanceType": "g5.xlarge"},
        TagSpecifications=[
            {"ResourceType": "launch-template", "Tags": _tags(environment, {names.TAG_MODEL: model})}
        ],
    )
    arns = {slot: _target_group(session, environment, model, slot, vpc) for slot in Slot}
    session.elbv2.create_rule(
        ListenerArn=listener,
        Priority=priority,
        Conditions=[{"Field": "path-pattern", "Values": [f"/{model}/*"]}],
        Actions=[
            {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": arns[Slot.BLUE], "Weight": 100},
                        {"TargetGroupArn": arns[Slot.GREEN], "Weight": 0},
                    ]
                },
            }
        ],
    )
    for slot in Slot:
        for market in Market:
            _group(session, environment, model, slot, market, template, subnets, arns[slot])


def _target_group(session: Session, environment: Environment, model: str, slot: Slot, vpc: str) -> str:
    made = session.elbv2.create_target_group(
        Name=names.target_group(environment.environment, model, slot),
        Protocol="HTTP",
        Port=8000,
        VpcId=vpc,
        Tags=_tags(environment),
    )
    return made["TargetGroups"][0]["TargetGroupArn"]


def _group(
    session: Session,
    environment: Environment,
    model: str,
    slot: Slot,
    market: Market,
    template: str,
    subnets: list[str],
    target_group: str,
) -> None:
    tags = {names.TAG_MODEL: model, names.TAG_SLOT: slot.value, names.TAG_MARKET: market.value}
    session.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=names.group(environment.environment, model, slot, market),
        MinSize=0,
        MaxSize=10,
        DesiredCapacity=0,
        VPCZoneIdentifier=",".join(subnets),
        TargetGroupARNs=[target_group],
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateName": template, "Version": "1"},
                "Overrides": [{"InstanceType": "g5.xlarge"}, {"InstanceType": "g6.xlarge"}],
            },
            "InstancesDistribution": {
                "OnDemandPercentageAboveBaseCapacity": 0 if market is Market.SPOT else 100,
            },
        },
        Tags=_tags(environment, tags, PropagateAtLaunch=True),
    )


def _tags(environment: Environment, more: dict[str, str] | None = None, **attributes: bool) -> list[Any]:
    tags = {names.TAG_ENVIRONMENT: environment.environment, **(more or {})}
    return [{"Key": key, "Value": value, **attributes} for key, value in tags.items()]
