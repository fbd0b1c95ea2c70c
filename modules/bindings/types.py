"""The one list of resource and data types that have a class. Add a name, run `make bindings`."""

SOURCE = "hashicorp/aws"
ADDRESS = f"registry.terraform.io/{SOURCE}"
"""In full, so that OpenTofu, whose own registry is another, looks in the same place."""

LOCAL_NAME = "aws"

RESOURCES = (
    "aws_acm_certificate",
    "aws_acm_certificate_validation",
    "aws_autoscaling_group",
    "aws_autoscaling_lifecycle_hook",
    "aws_autoscaling_policy",
    "aws_cloudwatch_composite_alarm",
    "aws_cloudwatch_dashboard",
    "aws_cloudwatch_event_rule",
    "aws_cloudwatch_event_target",
    "aws_cloudwatch_log_group",
    "aws_cloudwatch_metric_alarm",
    "aws_dynamodb_table",
    "aws_dynamodb_table_item",
    "aws_eip",
    "aws_fis_experiment_template",
    "aws_iam_instance_profile",
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_internet_gateway",
    "aws_lambda_function",
    "aws_lambda_permission",
    "aws_launch_template",
    "aws_lb",
    "aws_lb_listener",
    "aws_lb_listener_rule",
    "aws_lb_target_group",
    "aws_lb_target_group_attachment",
    "aws_nat_gateway",
    "aws_route",
    "aws_route53_record",
    "aws_route_table",
    "aws_route_table_association",
    "aws_s3_bucket",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_s3_object",
    "aws_secretsmanager_secret",
    "aws_security_group",
    "aws_sns_topic",
    "aws_sns_topic_policy",
    "aws_sns_topic_subscription",
    "aws_subnet",
    "aws_vpc",
    "aws_vpc_endpoint",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
)

DATA_SOURCES = (
    "aws_ami",
    "aws_caller_identity",
    "aws_route53_zone",
    "aws_ssm_parameter",
)

PROVIDER_BLOCKS = frozenset({"default_tags"})
"""Blocks of the provider's configuration that are kept; its `endpoints` alone would have 300 arguments."""
