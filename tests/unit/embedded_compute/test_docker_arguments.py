"""`docker run`'s command line is read as docker reads it."""

from pathlib import Path

import pytest

from infra.embedded.image.docker_arguments import (
    DockerError,
    container_environment,
    parse_run,
    volumes,
)
from infra.embedded.image.registry import server_for

HOST = ("--network", "host")


def test_options_end_at_the_image() -> None:
    """What follows the image belongs to the container, even if it looks like docker's own options."""
    run = parse_run(
        [*HOST, "--rm", "--name=engine", "--gpus", "all", "--ipc=host", "vllm/vllm-openai:v1", "--name", "m"]
    )
    assert run.image == "vllm/vllm-openai:v1"
    assert run.arguments == ("--name", "m")
    assert run.remove
    assert run.last("name") == "engine"


def test_environment_spellings(tmp_path: Path) -> None:
    """All spellings of --env work, a bare name copies the caller's variable, and the last one wins."""
    file = tmp_path / "env"
    file.write_text("# comment\nA=file\nB=with = and spaces\nTOKEN\n")
    arguments = [
        *HOST,
        "--env-file",
        str(file),
        "-e",
        "A=1",
        "-eC=2",
        "--env=D=3",
        "--env",
        "SECRET",
        "-e",
        "NOT",
        "i",
    ]
    environment = container_environment(parse_run(arguments), {"SECRET": "s", "TOKEN": "t", "OTHER": "o"})
    expected = {"A": "1", "B": "with = and spaces", "TOKEN": "t", "C": "2", "D": "3", "SECRET": "s"}
    assert environment == expected


def test_volumes_stay_below_the_root(tmp_path: Path) -> None:
    """Host paths are the instance's, given with or without its root; named volumes get a folder."""
    run = parse_run([*HOST, "-v", "/w:/models:ro", "-v", f"{tmp_path}/x:/x", "-v", "cache:/c", "i"])
    assert volumes(run, tmp_path) == [
        (tmp_path / "w", "/models"),
        (tmp_path / "x", "/x"),
        (tmp_path / "var/lib/docker/volumes/cache", "/c"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        ([*HOST, "--privileged", "i"], "unknown flag: --privileged", 125),
        ([*HOST, "-p", "1:1", "i"], "unknown shorthand flag: 'p' in -p", 125),
        (["--name"], "flag needs an argument: --name", 125),
        ([*HOST], "requires at least 1 argument", 1),
        (["i"], "network 'bridge' is not emulated", 125),
        ([*HOST, "--env-file", "/no/file", "i"], "open /no/file", 125),
    ],
)
def test_refusals(arguments: list[str], message: str, code: int) -> None:
    """What is not emulated is refused in docker's words and with its exit code, never ignored."""
    with pytest.raises(DockerError, match=message) as caught:
        container_environment(parse_run(arguments), {})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("image", "module"),
    [
        ("ghcr.io/ggml-org/llama.cpp:server-b1", "llama_cpp"),
        ("registry:5000/llama.cpp@sha256:" + "0" * 64, "llama_cpp"),
        ("vllm/vllm-openai:v0.11.0", "simulator"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm-openai:v1", "simulator"),
        ("llmctl/simulator:1", "simulator"),
        ("busybox:llama.cpp", None),
        ("busybox", None),
    ],
)
def test_registry(image: str, module: str | None) -> None:
    """The repository's name, not the tag, decides who stands in."""
    server = server_for(image)
    assert (server and server.module.rpartition(".")[2]) == module


def test_the_simulator_knows_its_image() -> None:
    """The simulator is told which image it stands in for, tag included."""
    server = server_for("vllm/vllm-openai:v1")
    assert server is not None
    assert server.arguments == ("--image", "vllm/vllm-openai:v1")
