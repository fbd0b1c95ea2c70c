"""What keeps data: tables, log groups, secrets, buckets. Tags may come after a crash: names count too."""

from collections.abc import Iterator
from datetime import UTC, datetime

from infra.aws.probes.scope import Scope, tags_of
from infra.aws.session import Session, error_code
from infra.environment import names
from infra.teardown.types import Resource

FUNCTIONS = (names.guardian, names.waker, names.watchdog)
_FUNCTION_LOGS = "/aws/lambda/"


def named_function(name: str) -> str:
    """The environment whose function is called so; empty if it is none of ours."""
    for function in FUNCTIONS:
        before, _, after = function("|").partition("|")
        if name.startswith(before) and name.endswith(after):
            return name.removeprefix(before).removesuffix(after)
    return ""


def tables(session: Session, scope: Scope) -> Iterator[Resource]:
    """The runtime's tables."""
    prefix, dynamodb = names.runtime_table(""), session.dynamodb
    for page in dynamodb.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            if not name.startswith(prefix):
                continue
            table = dynamodb.describe_table(TableName=name)["Table"]
            told = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags")
            if owner := scope.owner(tags_of(told), name.removeprefix(prefix)):
                yield Resource(
                    owner,
                    "dynamodb table",
                    name,
                    table.get("CreationDateTime"),
                    protected=table.get("DeletionProtectionEnabled", False),
                )


def log_groups(session: Session, scope: Scope) -> Iterator[Resource]:
    """Log groups of models and of functions."""
    models = names.log_group("|", "").partition("|")[0]
    for prefix in (models, f"{_FUNCTION_LOGS}{names.stack('')}"):
        for page in session.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
            for group in page["logGroups"]:
                name = group["logGroupName"]
                named = _logging(name, models)
                told = session.logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))
                if owner := scope.owner(told["tags"], named):
                    created = datetime.fromtimestamp(group["creationTime"] / 1000, UTC)
                    yield Resource(owner, "log group", name, created)


def _logging(name: str, models: str) -> str:
    if name.startswith(models):
        return name.removeprefix(models).partition("/")[0]
    return named_function(name.removeprefix(_FUNCTION_LOGS))


def secrets(session: Session, scope: Scope) -> Iterator[Resource]:
    """Secrets of endpoints; those that only wait for the end of their recovery time are not listed."""
    before, _, after = names.api_key_secret("|").partition("|")
    pages = session.secretsmanager.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [before]}]
    )
    for page in pages:
        for secret in page["SecretList"]:
            named = secret["Name"].removeprefix(before).removesuffix(after)
            if owner := scope.owner(tags_of(secret.get("Tags")), named):
                yield Resource(owner, "secret", secret["Name"], secret.get("CreatedDate"))


def buckets(session: Session, scope: Scope) -> Iterator[Resource]:
    """Buckets of artefacts and samples in this region; the one of the Terraform state is nobody's."""
    prefix, suffix = names.stack(""), f"-{session.account}-{session.region}"
    for bucket in session.s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if not (name.startswith(prefix) and name.endswith(suffix)):
            continue
        if name == names.state_bucket(session.account, session.region):
            continue
        named = name.removeprefix(prefix).removesuffix(suffix).removesuffix("-samples")
        if owner := scope.owner(_bucket_tags(session, name), named):
            yield Resource(owner, "s3 bucket", name, bucket.get("CreationDate"))


def _bucket_tags(session: Session, name: str) -> dict[str, str]:
    try:
        return tags_of(session.s3.get_bucket_tagging(Bucket=name)["TagSet"])
    except session.s3.exceptions.ClientError as error:
        if error_code(error) in ("NoSuchTagSet", "NoSuchBucket"):
            return {}
        raise
