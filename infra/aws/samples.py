"""The bucket of captured requests and answers, read as the one role that may."""

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from infra.aws.session import Session, translated
from infra.environment import names
from infra.errors import LlmctlError, Refused
from infra.samples.catalogue import Batch, batch, days, overlaps

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ROLE_SECONDS = 3600
_ANY = "release="


class SampleBucket:
    """Implements `catalogue.Shelf`. `now`: up to when objects are looked for."""

    def __init__(self, session: Session, environment: str, now: datetime) -> None:
        self._session = session
        self._environment = environment
        self._now = now

    @cached_property
    def name(self) -> str:
        """The bucket's name."""
        return names.samples_bucket(self._session.account, self._environment, self._session.region)

    def batches(self, model: str, *, since: datetime, release: int | None) -> Iterator[Batch]:
        """A model's objects; raises `Refused` when the environment keeps no samples."""
        with translated(f"listing samples of {model}"):
            for place in self._releases(model, release):
                for day in days(since, self._now):
                    for item in self._objects(f"{place}date={day}/"):
                        if overlaps(item, since):
                            yield item

    def read(self, item: Batch) -> bytes:
        """An object's content."""
        with translated(f"reading s3://{self.name}/{item.key}"):
            return self._s3.get_object(Bucket=self.name, Key=item.key)["Body"].read()

    def _releases(self, model: str, release: int | None) -> Iterator[str]:
        prefix = names.samples_prefix(model)
        if release is not None:
            yield f"{prefix}{_ANY}{release}/"
            return
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=f"{prefix}{_ANY}", Delimiter="/"
        )
        try:
            for page in pages:
                yield from (found["Prefix"] for found in page.get("CommonPrefixes", []))
        except self._s3.exceptions.NoSuchBucket:
            raise self._none() from None

    def _objects(self, prefix: str) -> Iterator[Batch]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        try:
            for page in pages:
                for found in page.get("Contents", []):
                    if item := batch(found["Key"], found["Size"]):
                        yield item
        except self._s3.exceptions.NoSuchBucket:
            raise self._none() from None

    @cached_property
    def _s3(self) -> "S3Client":
        """Clients of the role's own: our own identity is refused by the bucket."""
        session = self._session
        role = f"arn:{session.partition}:iam::{session.account}:role/{names.samples_role(self._environment)}"
        try:
            with translated("taking the role that may read samples"):
                given = session.sts.assume_role(
                    RoleArn=role, RoleSessionName="llmctl-samples", DurationSeconds=_ROLE_SECONDS
                )["Credentials"]
        except Refused as error:
            raise Refused(
                error.message,
                hint=f"if the environment keeps samples: allow sts:AssumeRole on {role} to this identity",
            ) from error
        reader = Session(
            session.region,
            {
                "AWS_ENDPOINT_URL": session.endpoint or "",
                "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
                "AWS_SESSION_TOKEN": given["SessionToken"],
            },
        )
        return reader.s3

    def _none(self) -> LlmctlError:
        return Refused(
            f"there is no bucket {self.name}: {self._environment} keeps no samples",
            hint="set models.MODEL.capture in its file, and deploy",
        )
