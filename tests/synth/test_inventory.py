"""The inventory after destroy knows every type of resource that a stack can create."""

from infra.aws import removal
from infra.aws.inventory import KINDS
from tests.synth.synthesis import Stack

FOUND_AS = {
    "aws_acm_certificate": "certificate",
    "aws_autoscaling_group": "autoscaling group",
    "aws_cloudwatch_composite_alarm": "cloudwatch alarm",
    "aws_cloudwatch_dashboard": "cloudwatch dashboard",
    "aws_cloudwatch_log_group": "log group",
    "aws_cloudwatch_metric_alarm": "cloudwatch alarm",
    "aws_dynamodb_table": "dynamodb table",
    "aws_eip": "ec2 elastic address",
    "aws_cloudwatch_event_rule": "event rule",
    "aws_lambda_function": "lambda function",
    "aws_fis_experiment_template": "experiment template",
    "aws_iam_instance_profile": "iam instance profile",
    "aws_iam_role": "iam role",
    "aws_internet_gateway": "ec2 internet gateway",
    "aws_launch_template": "ec2 launch template",
    "aws_lb": "load balancer",
    "aws_lb_target_group": "target group",
    "aws_nat_gateway": "ec2 nat gateway",
    "aws_route53_record": "dns record",
    "aws_route_table": "ec2 route table",
    "aws_s3_bucket": "s3 bucket",
    "aws_secretsmanager_secret": "secret",
    "aws_security_group": "ec2 security group",
    "aws_sns_topic": "sns topic",
    "aws_subnet": "ec2 subnet",
    "aws_vpc": "ec2 vpc",
    "aws_vpc_endpoint": "ec2 vpc endpoint",
}
PART_OF = {
    "aws_acm_certificate_validation": "aws_acm_certificate",
    "aws_autoscaling_lifecycle_hook": "aws_autoscaling_group",
    "aws_autoscaling_policy": "aws_autoscaling_group",
    "aws_dynamodb_table_item": "aws_dynamodb_table",
    "aws_iam_role_policy": "aws_iam_role",
    "aws_cloudwatch_event_target": "aws_cloudwatch_event_rule",
    "aws_lambda_permission": "aws_lambda_function",
    "aws_lb_target_group_attachment": "aws_lb_target_group",
    "aws_lb_listener": "aws_lb",
    "aws_lb_listener_rule": "aws_lb",
    "aws_route": "aws_route_table",
    "aws_route_table_association": "aws_route_table",
    "aws_s3_bucket_lifecycle_configuration": "aws_s3_bucket",
    "aws_s3_bucket_policy": "aws_s3_bucket",
    "aws_s3_bucket_public_access_block": "aws_s3_bucket",
    "aws_s3_bucket_server_side_encryption_configuration": "aws_s3_bucket",
    "aws_s3_bucket_versioning": "aws_s3_bucket",
    "aws_s3_object": "aws_s3_bucket",
    "aws_sns_topic_policy": "aws_sns_topic",
    "aws_sns_topic_subscription": "aws_sns_topic",
    "aws_vpc_security_group_egress_rule": "aws_security_group",
    "aws_vpc_security_group_ingress_rule": "aws_security_group",
}
"""What can't exist without another resource, and goes with it."""


def test_every_type_of_resource_can_be_found(variant: Stack) -> None:
    """A new type in a stack must come with a probe, or destroy could claim too much."""
    types = {PART_OF.get(kind, kind) for kind in variant.json["resource"]}
    assert {FOUND_AS[kind] for kind in types} <= KINDS


def test_everything_that_is_found_can_be_removed() -> None:
    """What a crash left behind must not need a person."""
    assert removal.DELETE.keys() == KINDS
