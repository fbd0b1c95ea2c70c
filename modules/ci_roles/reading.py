"""What a plan and a look for drift need: to read, and to lock the state."""

from infra.environment import names
from modules.ci_roles.scope import Scope
from modules.identity.instance_role import Statement, allow

_LOOK = [
    "acm:DescribeCertificate",
    "acm:ListCertificates",
    "acm:ListTagsForCertificate",
    "autoscaling:Describe*",
    "cloudwatch:Describe*",
    "cloudwatch:GetDashboard",
    "cloudwatch:GetMetricData",
    "cloudwatch:List*",
    "ec2:Describe*",
    "elasticloadbalancing:Describe*",
    "events:Describe*",
    "events:List*",
    "fis:GetExperimentTemplate",
    "fis:List*",
    "logs:Describe*",
    "logs:ListTagsForResource",
    "route53:Get*",
    "route53:List*",
    "pricing:GetProducts",
    "secretsmanager:ListSecrets",
    "servicequotas:GetServiceQuota",
    "sns:GetSubscriptionAttributes",
    "sns:ListTopics",
]
"""AWS has no narrower resource for most of these; none tells what models are asked or answer."""


def reading(scope: Scope) -> list[Statement]:
    """Statements of the plan role, but for the state."""
    return [
        allow("Look", _LOOK, ["*"]),
        allow(
            "Images",
            ["ssm:GetParameter", "ssm:GetParameters"],
            [scope.arn("ssm", "parameter/aws/service/*", anybodys=True)],
        ),
        allow(
            "Roles",
            ["iam:Get*", "iam:List*"],
            [
                *scope.named("iam", "role", everywhere=True),
                *scope.named("iam", "instance-profile", everywhere=True),
            ],
        ),
        allow("Functions", ["lambda:Get*", "lambda:List*"], scope.named("lambda", "function", ":")),
        allow(
            "Table",
            [
                "dynamodb:Describe*",
                "dynamodb:GetItem",
                "dynamodb:ListTagsOfResource",
                "dynamodb:Query",
            ],
            scope.named("dynamodb", "table"),
        ),
        allow("Topic", ["sns:Get*", "sns:List*"], [scope.arn("sns", scope.stack)]),
        allow(
            "Secret",
            [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetResourcePolicy",
                "secretsmanager:ListSecretVersionIds",
            ],
            [secret(scope)],
        ),
        allow("Buckets", ["s3:Get*", "s3:List*"], scope.buckets()),
    ]


def state(scope: Scope, *, write: bool) -> list[Statement]:
    """Reading the state and locking it; writing it is for who applies."""
    bucket = scope.bucket(names.state_bucket(scope.account, scope.region))
    key = f"{bucket}/{names.state_key(scope.environment)}"
    lifetime = f"{bucket}/{names.lifetime_key(scope.environment)}"
    lock = f"{key}.tflock"
    return [
        allow("StateBucket", ["s3:GetBucket*", "s3:ListBucket"], [bucket]),
        allow("State", ["s3:GetObject", *(["s3:PutObject"] if write else [])], [key]),
        *([allow("Lifetime", ["s3:DeleteObject", "s3:PutObject"], [lifetime])] if write else []),
        allow("Lock", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [lock]),
    ]


def secret(scope: Scope) -> str:
    """The API key's secret; Secrets Manager ends its ARN with characters of its own."""
    return scope.arn("secretsmanager", f"secret:{names.api_key_secret(scope.environment)}-*")
