"""Until when environments may live: an object beside each one's state, so that nobody needs its file."""

import json
from collections.abc import Mapping
from datetime import datetime

from infra.aws.session import Session, error_code, translated
from infra.environment import names


class Lifetimes:
    """Those of one account and region; one without an object lives for ever."""

    def __init__(self, session: Session) -> None:
        self._s3 = session.s3
        self._bucket = names.state_bucket(session.account, session.region)

    @translated("recording until when the environment may live")
    def renew(self, environment: str, expires: datetime | None) -> None:
        """Set, or drop, an environment's end."""
        key = names.lifetime_key(environment)
        if expires is None:
            self._s3.delete_object(Bucket=self._bucket, Key=key)
        else:
            body = json.dumps({"expires": expires.isoformat(timespec="seconds")})
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body.encode())

    @translated("reading until when environments may live")
    def all(self) -> Mapping[str, datetime]:
        """The end of each environment that has one; none where there is no state bucket."""
        suffix, found = names.lifetime_key(""), {}
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        try:
            keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        except self._s3.exceptions.NoSuchBucket:
            return {}
        for key in keys:
            if key.endswith(suffix) and (expires := self._read(key)):
                found[key.removesuffix(suffix)] = expires
        return found

    def _read(self, key: str) -> datetime | None:
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.ClientError as error:
            if error_code(error) == "NoSuchKey":  # destroyed meanwhile
                return None
            raise
        return datetime.fromisoformat(json.loads(body)["expires"])
