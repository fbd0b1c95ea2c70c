"""What of an account is one environment's, as policies name it."""

from dataclasses import dataclass

from infra.environment import names
from modules.identity.instance_role import Statement, partition


@dataclass(frozen=True, kw_only=True)
class Scope:
    """An environment's part of an account. `account` may be known to Terraform only.

    Names of an environment begin with its own, so those of `prod-eu` look like `prod`'s: environments of
    which one's name continues another's belong in different accounts.
    """

    environment: str
    region: str
    account: str

    @property
    def stack(self) -> str:
        """What the environment's names begin with."""
        return names.stack(self.environment)

    def arn(self, service: str, rest: str, *, everywhere: bool = False, anybodys: bool = False) -> str:
        """An ARN; `everywhere`: of a service without regions; `anybodys`: of AWS's or another account's."""
        region, account = "" if everywhere else self.region, "" if anybodys else self.account
        return f"arn:{partition(self.region)}:{service}:{region}:{account}:{rest}"

    def bucket(self, name: str) -> str:
        """A bucket."""
        return self.arn("s3", name, everywhere=True, anybodys=True)

    def buckets(self) -> list[str]:
        """The environment's own buckets and what is in them; made for an account of twelve digits."""
        digits = "0" * 12
        made = (names.artefact_bucket, names.samples_bucket)
        found = [name(digits, self.environment, self.region).replace(digits, self.account) for name in made]
        return [arn for name in found for arn in (self.bucket(name), f"{self.bucket(name)}/*")]

    def named(self, service: str, kind: str, separator: str = "/", *, everywhere: bool = False) -> list[str]:
        """What is called like the environment, and what begins with it and a hyphen."""
        start = f"{kind}{separator}{self.stack}"
        return [self.arn(service, each, everywhere=everywhere) for each in (start, f"{start}-*")]

    def tagged(self, statement: Statement, whose: str) -> Statement:
        """Only for what has the environment's tag (ResourceTag), or gets it in the same call (RequestTag)."""
        condition = {"StringEquals": {f"aws:{whose}/{names.TAG_ENVIRONMENT}": self.environment}}
        return {**statement, "Condition": condition}
