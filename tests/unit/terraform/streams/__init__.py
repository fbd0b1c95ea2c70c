"""Streams of Terraform 1.11.4, recorded and shortened."""

from pathlib import Path

from infra.terraform.events import Event, parse


def events(name: str) -> list[Event]:
    """The events of a recorded stream."""
    lines = (Path(__file__).parent / f"{name}.jsonl").read_text().splitlines()
    return [event for line in lines if (event := parse(line))]
