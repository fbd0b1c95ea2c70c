"""The endpoint's API key, kept in Secrets Manager.

Terraform creates the secret without a value, so that the key is in no state file and no plan.
"""

import secrets

from infra.aws.session import Session, translated
from infra.environment import names
from infra.errors import Refused

_BYTES = 32


class SecretApiKey:
    """Implements `infra.deploy.ports.ApiKey`."""

    def __init__(self, session: Session, environment: str) -> None:
        self._secrets = session.secretsmanager
        self._environment = environment
        self._name = names.api_key_secret(environment)

    @translated("creating the API key")
    def ensure(self) -> bool:
        """Write a random key if the secret has no value; true if it did."""
        if self._value() is not None:
            return False
        self._secrets.put_secret_value(
            SecretId=self._name, SecretString=f"llmctl-{secrets.token_urlsafe(_BYTES)}"
        )
        return True

    @translated("reading the API key")
    def read(self) -> str:
        """The key; raises `Refused` when there is none yet."""
        value = self._value()
        if value is None:
            raise Refused(
                f"{self._environment} has no API key yet",
                hint=f"`llmctl deploy --env {self._environment}` creates it",
            )
        return value

    def _value(self) -> str | None:
        try:
            return self._secrets.get_secret_value(SecretId=self._name)["SecretString"]
        except self._secrets.exceptions.ResourceNotFoundException:
            return None
