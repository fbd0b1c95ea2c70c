"""What an apply and the operation after it need beside reading: changes, by name or tag of the environment.

AWS checks a creation on everything it names. What has neither a name of ours nor a tag yet (an address, an
image that instances boot from) is said separately.
"""

from infra.environment import names
from modules.ci_roles.reading import secret
from modules.ci_roles.scope import Scope
from modules.identity.instance_role import Statement, allow

_NEW_EC2 = [
    "ec2:AllocateAddress",
    "ec2:AuthorizeSecurityGroup*",
    "ec2:CreateInternetGateway",
    "ec2:CreateLaunchTemplate",
    "ec2:CreateNatGateway",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateVpc",
    "ec2:CreateVpcEndpoint",
    "ec2:RunInstances",
]
_ROLES = [
    "iam:AddRoleToInstanceProfile",
    "iam:CreateInstanceProfile",
    "iam:CreateRole",
    "iam:Delete*",
    "iam:PutRolePolicy",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:TagInstanceProfile",
    "iam:TagRole",
    "iam:UntagInstanceProfile",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole*",
]
_SERVICES = ["ec2.amazonaws.com", "fis.amazonaws.com", "lambda.amazonaws.com"]
"""Who takes the roles that Terraform makes."""
_LINKED = ["autoscaling", "elasticloadbalancing", "spot"]
"""Services that make a role of their own with an account's first group, balancer, spot instance."""


def changing(scope: Scope, *, vpc: str | None) -> list[Statement]:
    """Statements of the apply role, but for reading and the state. `vpc`: one that is somebody else's."""
    return [*_machines(scope, vpc), *_balancing(scope), *_roles(scope), *_stores(scope), *_watching(scope)]


def _machines(scope: Scope, vpc: str | None) -> list[Statement]:
    groups = f"autoScalingGroup:*:autoScalingGroupName/{scope.stack}-*"
    # Made on the way, or nobody's: what boots has no tag when it is asked for.
    common = [scope.arn("ec2", f"{kind}/*") for kind in ("instance", "network-interface", "volume")]
    found = [
        allow("Groups", ["autoscaling:*"], [scope.arn("autoscaling", groups)]),
        *_own_and_new(scope, "ec2", _NEW_EC2),
        _tags_of_new("ec2:CreateTags", scope.arn("ec2", "*/*")),
        allow("Boot", ["ec2:RunInstances"], [scope.arn("ec2", "image/*", anybodys=True), *common]),
        # A rule is made within its firewall, which has the tag.
        allow("Firewall", ["ec2:AuthorizeSecurityGroup*"], [scope.arn("ec2", "security-group-rule/*")]),
    ]
    if vpc:
        made = ["ec2:CreateSecurityGroup", "ec2:CreateVpcEndpoint"]
        found.append(allow("Vpc", made, [scope.arn("ec2", f"vpc/{vpc}")]))
    return found


def _balancing(scope: Scope) -> list[Statement]:
    zones = scope.arn("route53", "hostedzone/*", everywhere=True, anybodys=True)
    return [
        *_own_and_new(scope, "elasticloadbalancing", ["elasticloadbalancing:Create*"]),
        _tags_of_new("elasticloadbalancing:AddTags", scope.arn("elasticloadbalancing", "*")),
        *_own_and_new(scope, "acm", ["acm:AddTagsToCertificate", "acm:RequestCertificate"]),
        # A zone is known by its name only, and looked up.
        allow("Records", ["route53:ChangeResourceRecordSets"], [zones]),
    ]


def _own_and_new(scope: Scope, service: str, creations: list[str]) -> list[Statement]:
    """A service's part of the environment: anything with what has its tag, and making what gets it.

    A creation names what there is and what there will be: each must pass by one of the two.
    """
    name = service.capitalize()
    return [
        scope.tagged(allow(f"{name}Own", [f"{service}:*"], ["*"]), "ResourceTag"),
        scope.tagged(allow(f"{name}New", creations, ["*"]), "RequestTag"),
    ]


def _tags_of_new(action: str, resource: str) -> Statement:
    """Tags, but only while something is made: otherwise anything could be declared the environment's."""
    service = action.partition(":")[0]
    statement = allow(f"{service.capitalize()}Tags", [action], [resource])
    return {**statement, "Condition": {"Null": {f"{service}:CreateAction": "false"}}}


def _roles(scope: Scope) -> list[Statement]:
    roles = scope.named("iam", "role", everywhere=True)
    passing = allow("PassRoles", ["iam:PassRole"], roles)
    passing["Condition"] = {"StringEquals": {"iam:PassedToService": _SERVICES}}
    linked = allow(
        "LinkedRoles",
        ["iam:CreateServiceLinkedRole"],
        [scope.arn("iam", "role/aws-service-role/*", everywhere=True)],
    )
    linked["Condition"] = {
        "StringEquals": {"iam:AWSServiceName": [f"{each}.amazonaws.com" for each in _LINKED]}
    }
    profiles = scope.named("iam", "instance-profile", everywhere=True)
    return [allow("ChangeRoles", _ROLES, [*roles, *profiles]), passing, linked]


def _stores(scope: Scope) -> list[Statement]:
    secrets = ["Create", "Delete", "Put", "Restore", "Tag", "Untag", "Update"]
    return [
        allow("ChangeTable", ["dynamodb:*"], scope.named("dynamodb", "table")),
        allow("ChangeBuckets", ["s3:*"], scope.buckets()),
        allow(
            "ChangeSecret",
            ["secretsmanager:GetSecretValue", *(f"secretsmanager:{each}*" for each in secrets)],
            [secret(scope)],
        ),
        allow("ChangeFunctions", ["lambda:*"], scope.named("lambda", "function", ":")),
    ]


def _watching(scope: Scope) -> list[Statement]:
    logs = [names.log_group(scope.environment, "*"), f"/aws/lambda/{scope.stack}-*"]
    experiments = ["fis:CreateExperimentTemplate", "fis:StartExperiment"]
    return [
        allow(
            "Alarms",
            ["cloudwatch:*Alarm*", "cloudwatch:*TagResource"],
            scope.named("cloudwatch", "alarm", ":"),
        ),
        allow(
            "Dashboards",
            ["cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards"],
            scope.named("cloudwatch", "dashboard", everywhere=True),
        ),
        allow(
            "ChangeTopic", ["sns:*"], [scope.arn("sns", scope.stack), scope.arn("sns", f"{scope.stack}:*")]
        ),
        allow("Rules", ["events:*"], scope.named("events", "rule")),
        allow("Logs", ["logs:*"], [scope.arn("logs", f"log-group:{name}") for name in logs]),
        *_own_and_new(scope, "fis", [*experiments, "fis:TagResource"]),
        allow("FisActions", experiments, [scope.arn("fis", "action/*")]),
    ]
