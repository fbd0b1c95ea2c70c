"""What the runtime remembers: its table, and the secret for the endpoint's key.

Terraform makes the secret and never its value, which would end up in the state file: `deploy` writes that.
"""

from constructs import Construct

from infra.environment import names
from modules.bindings.aws.dynamodb_table import DynamodbTable
from modules.bindings.aws.secretsmanager_secret import SecretsmanagerSecret

_RECOVERY_DAYS = 30


class RuntimeTable(Construct):
    """The table; protected ones refuse to be deleted."""

    def __init__(self, scope: Construct, id_: str, *, environment: str, protect: bool) -> None:
        super().__init__(scope, id_)
        name = names.runtime_table(environment)
        self.table = DynamodbTable(
            self,
            "table",
            name=name,
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            range_key="sk",
            attribute=[{"name": "pk", "type": "S"}, {"name": "sk", "type": "S"}],
            ttl={"attribute_name": "expires", "enabled": True},
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True},
            deletion_protection_enabled=protect,
            tags={"Name": name},
        )


class ApiKeySecret(Construct):
    """The container of the endpoint's key. Protected ones can be brought back for 30 days."""

    def __init__(self, scope: Construct, id_: str, *, environment: str, protect: bool) -> None:
        super().__init__(scope, id_)
        self.secret = SecretsmanagerSecret(
            self,
            "secret",
            name=names.api_key_secret(environment),
            description=f"API key of {environment}'s endpoint",
            recovery_window_in_days=_RECOVERY_DAYS if protect else 0,
        )
