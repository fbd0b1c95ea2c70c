"""The command lines of the image's aws and systemctl, and what a client may be called."""

from pathlib import Path

import pytest

from infra.embedded.client import cloud_directory
from infra.embedded.image import aws, systemctl
from infra.errors import Refused


def test_aws_s3_cp() -> None:
    """`aws s3 cp` knows bucket, key, target and region, wherever the options stand."""
    line = ["--region", "eu-west-1", "s3", "cp", "s3://b/a/k.zip", "/x/y.zip", "--only-show-errors"]
    assert aws.parse(line) == (aws.Download("b", "a/k.zip", Path("/x/y.zip"), None, "eu-west-1"), True)
    assert aws.parse(["s3", "cp", "s3://b/a/k.zip", "/x/"])[0].path == Path("/x/k.zip")


def test_aws_s3api_get_object() -> None:
    """`aws s3api get-object` can name a version: an old release must find its own agent."""
    line = [
        "s3api",
        "get-object",
        "--region=eu-west-1",
        "--bucket",
        "b",
        "--key",
        "k",
        "--version-id",
        "v",
        "/x",
    ]
    assert aws.parse(line) == (aws.Download("b", "k", Path("/x"), "v", "eu-west-1"), False)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["s3", "ls"],
        ["s3", "cp", "/x", "s3://b/k"],
        ["s3", "cp", "s3://b", "/x"],
        ["s3", "cp", "--recursive", "s3://b/k", "/x"],
        ["s3", "cp", "s3://b/k", "/x", "--version-id", "v"],
        ["s3api", "get-object", "--bucket", "b", "/x"],
        ["ec2", "describe-instances"],
    ],
)
def test_other_aws_commands_are_refused(arguments: list[str]) -> None:
    """What the stand-in can't do is an error, not a success."""
    with pytest.raises(aws.UsageError):
        aws.parse(arguments)


def test_systemctl_requests() -> None:
    """Verbs, units and --now reach the init."""
    request, quiet = systemctl.parse(["enable", "--now", "a.service"])
    assert request == {"verb": "enable", "units": ["a.service"], "now": True}
    assert not quiet
    assert systemctl.parse(["daemon-reload"])[0]["units"] == []


@pytest.mark.parametrize("arguments", [[], ["mask", "a"], ["start"], ["start", "--force", "a"]])
def test_other_systemctl_commands_are_refused(arguments: list[str]) -> None:
    """What the stand-in can't do is an error, not a success."""
    with pytest.raises(systemctl.UsageError):
        systemctl.parse(arguments)


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "-a"])
def test_cloud_names(name: str) -> None:
    """A name becomes a folder's name: anything else is refused."""
    with pytest.raises(Refused):
        cloud_directory(name)
