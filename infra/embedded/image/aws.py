"""`aws` on an emulated instance: the two commands with which user data fetches things from S3.

    aws s3 cp s3://BUCKET/KEY PATH
    aws s3api get-object --bucket BUCKET --key KEY [--version-id ID] PATH

The credentials come from the instance metadata service, as on AWS. Everything else is refused.
"""

import json
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_USAGE = 252
_FAILED = 1
_QUIET = {"--quiet", "--only-show-errors", "--no-progress"}
_WITH_VALUE = {"--region", "--bucket", "--key", "--version-id"}
_SCHEME = "s3://"
_USAGE_TEXT = """
  aws s3 cp s3://BUCKET/KEY PATH [--region REGION]
  aws s3api get-object --bucket BUCKET --key KEY [--version-id ID] PATH [--region REGION]"""


class UsageError(ValueError):
    """Arguments that this aws does not have."""


@dataclass(frozen=True)
class Download:
    """One object to fetch."""

    bucket: str
    key: str
    path: Path
    version: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class CommandLine:
    """A command line taken apart, not yet understood."""

    words: tuple[str, ...]
    options: dict[str, str]
    quiet: bool


def parse(arguments: list[str]) -> tuple[Download, bool]:
    """The download, and whether to be quiet about it; raises UsageError."""
    line = _take_apart(arguments)
    match line.words:
        case ("s3", "cp", source, target) if not line.options.keys() - {"--region"}:
            download = _from_url(source, target)
        case ("s3api", "get-object", target) if {"--bucket", "--key"} <= line.options.keys():
            given = line.options
            download = Download(given["--bucket"], given["--key"], Path(target), given.get("--version-id"))
        case _:
            raise UsageError(f"the embedded cloud's aws has only:{_USAGE_TEXT}")
    return replace(download, region=line.options.get("--region")), line.quiet


def _take_apart(arguments: list[str]) -> CommandLine:
    words, options, quiet = [], {}, False
    remaining = iter(arguments)
    for argument in remaining:
        name, assigned, value = argument.partition("=")
        if name in _WITH_VALUE:
            options[name] = value if assigned else next(remaining, "")
        elif argument in _QUIET:
            quiet = True
        elif argument.startswith("--"):
            raise UsageError(f"Unknown options: {argument} (in the embedded cloud)")
        else:
            words.append(argument)
    return CommandLine(tuple(words), options, quiet)


def _from_url(source: str, target: str) -> Download:
    bucket, _, key = source.removeprefix(_SCHEME).partition("/")
    if not source.startswith(_SCHEME) or not bucket or not key or target.startswith(_SCHEME):
        raise UsageError(f"needs s3://BUCKET/KEY and a local path, not {source} and {target}")
    path = Path(target)
    into_folder = target.endswith("/") or path.is_dir()
    return Download(bucket, key, path / Path(key).name if into_folder else path)


def fetch(download: Download) -> dict[str, object]:
    """Fetch the object and say what it is; raises botocore's errors and OSError."""
    import boto3

    version: dict[str, Any] = {"VersionId": download.version} if download.version else {}
    s3 = boto3.client("s3", region_name=download.region)
    answer = s3.get_object(Bucket=download.bucket, Key=download.key, **version)
    download.path.parent.mkdir(parents=True, exist_ok=True)
    with download.path.open("wb") as file:
        shutil.copyfileobj(answer["Body"], file)
    return {"ContentLength": answer["ContentLength"], "ETag": answer["ETag"]}


def main() -> int:
    """Carry out one command line; the exit code is the AWS CLI's."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        download, quiet = parse(sys.argv[1:])
        answer = fetch(download)
    except UsageError as error:
        sys.stderr.write(f"aws: error: {error}\n")
        return _USAGE
    except (BotoCoreError, ClientError, OSError) as error:
        sys.stderr.write(f"fatal error: {error}\n")
        return _FAILED
    if not quiet:
        sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
