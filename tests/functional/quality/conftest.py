"""Servers that golden prompts are sent to: the simulator, and one that answers as it is told."""

from tests.functional.servers.conftest import start

__all__ = ["start"]
