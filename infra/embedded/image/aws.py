"""`aws` on an emulated instance: `aws s3 cp s3://BUCKET/KEY PATH`, with which user data fetches things.

The credentials come from the instance metadata service, as on AWS. Everything else is refused.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

_USAGE = 252
_FAILED = 1
_QUIET = {"--quiet", "--only-show-errors", "--no-progress"}
_SCHEME = "s3://"


class UsageError(ValueError):
    """Arguments that this aws does not have."""


@dataclass(frozen=True)
class Copy:
    """One download."""

    bucket: str
    key: str
    path: Path
    region: str | None
    quiet: bool


def parse(arguments: list[str]) -> Copy:
    """Read the command line; raises UsageError."""
    words, region, quiet = [], None, False
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--region":
            region = next(remaining, None)
        elif argument.startswith("--region="):
            region = argument.partition("=")[2]
        elif argument in _QUIET:
            quiet = True
        elif argument.startswith("-"):
            raise UsageError(f"Unknown options: {argument} (in the embedded cloud)")
        else:
            words.append(argument)
    if len(words) != 4 or words[:2] != ["s3", "cp"] or not words[2].startswith(_SCHEME):
        raise UsageError(
            "the embedded cloud's aws has only: aws s3 cp s3://BUCKET/KEY PATH [--region REGION]"
        )
    bucket, _, key = words[2].removeprefix(_SCHEME).partition("/")
    if not bucket or not key or words[3].startswith(_SCHEME):
        raise UsageError(f"needs s3://BUCKET/KEY and a local path, not {words[2]} and {words[3]}")
    target = Path(words[3])
    into_folder = words[3].endswith("/") or target.is_dir()
    return Copy(bucket, key, target / Path(key).name if into_folder else target, region, quiet)


def download(copy: Copy) -> None:
    """Fetch the object; raises botocore's errors."""
    import boto3

    copy.path.parent.mkdir(parents=True, exist_ok=True)
    boto3.client("s3", region_name=copy.region).download_file(copy.bucket, copy.key, str(copy.path))


def main() -> int:
    """Carry out one command line; the exit code is the AWS CLI's."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        copy = parse(sys.argv[1:])
        download(copy)
    except UsageError as error:
        sys.stderr.write(f"aws: error: {error}\n")
        return _USAGE
    except (BotoCoreError, ClientError, OSError) as error:
        sys.stderr.write(f"fatal error: {error}\n")
        return _FAILED
    if not copy.quiet:
        sys.stdout.write(f"download: {_SCHEME}{copy.bucket}/{copy.key} to {copy.path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
