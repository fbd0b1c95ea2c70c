"""The apply role can make every type of resource: a new one needs a line here, and leave there."""

import fnmatch
import json
from pathlib import Path

from infra.environment import github
from modules.bindings.types import RESOURCES
from stacks.app import build_roles
from tests.synth.synthesis import environment

_MADE_BY = {
    "aws_acm_certificate": "acm:RequestCertificate acm:DeleteCertificate",
    "aws_acm_certificate_validation": "acm:DescribeCertificate",
    "aws_autoscaling_group": "autoscaling:CreateAutoScalingGroup ec2:RunInstances iam:PassRole",
    "aws_autoscaling_lifecycle_hook": "autoscaling:PutLifecycleHook",
    "aws_autoscaling_policy": "autoscaling:PutScalingPolicy",
    "aws_cloudwatch_composite_alarm": "cloudwatch:PutCompositeAlarm cloudwatch:TagResource",
    "aws_cloudwatch_dashboard": "cloudwatch:PutDashboard cloudwatch:DeleteDashboards",
    "aws_cloudwatch_event_rule": "events:PutRule events:DeleteRule",
    "aws_cloudwatch_event_target": "events:PutTargets events:RemoveTargets",
    "aws_cloudwatch_log_group": "logs:CreateLogGroup logs:PutRetentionPolicy logs:TagResource",
    "aws_cloudwatch_metric_alarm": "cloudwatch:PutMetricAlarm cloudwatch:DeleteAlarms",
    "aws_dynamodb_table": "dynamodb:CreateTable dynamodb:UpdateTimeToLive dynamodb:DeleteTable",
    "aws_dynamodb_table_item": "dynamodb:PutItem dynamodb:DeleteItem",
    "aws_eip": "ec2:AllocateAddress ec2:ReleaseAddress ec2:CreateTags",
    "aws_fis_experiment_template": "fis:CreateExperimentTemplate fis:TagResource iam:PassRole",
    "aws_iam_instance_profile": "iam:CreateInstanceProfile iam:AddRoleToInstanceProfile",
    "aws_iam_role": "iam:CreateRole iam:TagRole iam:DeleteRole iam:UpdateAssumeRolePolicy",
    "aws_iam_role_policy": "iam:PutRolePolicy iam:DeleteRolePolicy",
    "aws_internet_gateway": "ec2:CreateInternetGateway ec2:AttachInternetGateway ec2:DeleteInternetGateway",
    "aws_lambda_function": "lambda:CreateFunction lambda:UpdateFunctionCode iam:PassRole",
    "aws_lambda_permission": "lambda:AddPermission lambda:RemovePermission",
    "aws_launch_template": "ec2:CreateLaunchTemplate ec2:CreateLaunchTemplateVersion",
    "aws_lb": "elasticloadbalancing:CreateLoadBalancer elasticloadbalancing:AddTags",
    "aws_lb_listener": "elasticloadbalancing:CreateListener elasticloadbalancing:ModifyListener",
    "aws_lb_listener_rule": "elasticloadbalancing:CreateRule elasticloadbalancing:SetRulePriorities",
    "aws_lb_target_group": "elasticloadbalancing:CreateTargetGroup",
    "aws_lb_target_group_attachment": "elasticloadbalancing:RegisterTargets",
    "aws_nat_gateway": "ec2:CreateNatGateway ec2:DeleteNatGateway",
    "aws_route": "ec2:CreateRoute ec2:DeleteRoute",
    "aws_route53_record": "route53:ChangeResourceRecordSets route53:GetChange",
    "aws_route_table": "ec2:CreateRouteTable",
    "aws_route_table_association": "ec2:AssociateRouteTable ec2:DisassociateRouteTable",
    "aws_s3_bucket": "s3:CreateBucket s3:PutBucketTagging s3:DeleteBucket",
    "aws_s3_bucket_lifecycle_configuration": "s3:PutLifecycleConfiguration",
    "aws_s3_bucket_policy": "s3:PutBucketPolicy",
    "aws_s3_bucket_public_access_block": "s3:PutBucketPublicAccessBlock",
    "aws_s3_bucket_server_side_encryption_configuration": "s3:PutEncryptionConfiguration",
    "aws_s3_bucket_versioning": "s3:PutBucketVersioning",
    "aws_s3_object": "s3:PutObject s3:DeleteObjectVersion",
    "aws_secretsmanager_secret": "secretsmanager:CreateSecret secretsmanager:TagResource",
    "aws_security_group": "ec2:CreateSecurityGroup ec2:RevokeSecurityGroupEgress",
    "aws_sns_topic": "sns:CreateTopic sns:SetTopicAttributes",
    "aws_sns_topic_policy": "sns:SetTopicAttributes",
    "aws_sns_topic_subscription": "sns:Subscribe sns:Unsubscribe",
    "aws_subnet": "ec2:CreateSubnet ec2:ModifySubnetAttribute",
    "aws_vpc": "ec2:CreateVpc ec2:ModifyVpcAttribute",
    "aws_vpc_endpoint": "ec2:CreateVpcEndpoint ec2:DeleteVpcEndpoints",
    "aws_vpc_security_group_egress_rule": "ec2:AuthorizeSecurityGroupEgress",
    "aws_vpc_security_group_ingress_rule": "ec2:AuthorizeSecurityGroupIngress",
}
"""From the service authorization reference: docs.aws.amazon.com/service-authorization/latest/reference/."""


def test_every_type_can_be_made(tmp_path: Path) -> None:
    """A stack with a type that the role doesn't know would fail in the middle of the first deploy."""
    assert _MADE_BY.keys() == set(RESOURCES)
    spec = environment()
    build_roles(spec, github.repository("o/r"), out=tmp_path).synth()
    document = (tmp_path / "stacks" / github.stack(spec.environment) / "cdk.tf.json").read_text()
    policies = json.loads(document)["resource"]["aws_iam_role_policy"]
    allowed = [
        action
        for name, policy in policies.items()
        if name.startswith(f"roles_{github.May.APPLY}_")
        for statement in json.loads(policy["policy"])["Statement"]
        for action in statement["Action"]
    ]
    needed = {action for actions in _MADE_BY.values() for action in actions.split()}
    assert {each for each in needed if not any(fnmatch.fnmatch(each, one) for one in allowed)} == set()
