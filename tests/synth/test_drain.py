"""The times of a leaving replica, over all that has a say in them: balancer, hook, unit, agent and engine."""

import re
from collections.abc import Callable

import pytest

from infra.agent.machine import Policy
from infra.environment.model import Environment
from tests.synth.synthesis import Stack, environment, model

Synth = Callable[[Environment], Stack]

_NOTICE_SECONDS = 3
"""Until the agent knows: it looks every two seconds, in rounds of one."""
_KILL_SECONDS = 20
"""What docker may take to kill."""
_LAST_WORDS_SECONDS = 7
"""Figures and the report, before the hook is completed."""


def _stack(synth: Synth, delay: str, version: str = "v0.18.0") -> Stack:
    engine = {"name": "vllm", "version": version}
    return synth(environment({"chat": model(engine=engine, routing={"deregistration_delay": delay})}))


def _number(stack: Stack, pattern: str) -> int:
    (text,) = stack.user_data()
    found = re.search(pattern, text)
    assert found, pattern
    return int(found[1])


@pytest.mark.parametrize(("delay", "expected"), [("10s", 10), ("120s", 120), ("1h", 3600)])
def test_every_time_of_a_drain_fits(synth: Synth, delay: str, expected: int) -> None:
    """One setting governs all: no engine stops before the balancer does, no instance before its goodbye."""
    stack = _stack(synth, delay)
    for _, group in stack.resources("aws_lb_target_group"):
        assert int(group["deregistration_delay"]) == expected
    assert _number(stack, r"drain_seconds\W+(\d+)") == expected
    assert _number(stack, r"--shutdown-timeout\W+(\d+)") == expected
    agent_is_done = (
        _NOTICE_SECONDS
        + expected
        + Policy(drain_seconds=expected).stop_seconds
        + _KILL_SECONDS
        + _LAST_WORDS_SECONDS
    )
    hooks = [
        hook
        for _, hook in stack.resources("aws_autoscaling_lifecycle_hook")
        if hook["lifecycle_transition"].endswith("TERMINATING")
    ]
    assert len(hooks) == 4
    assert all(agent_is_done <= hook["heartbeat_timeout"] <= 7200 for hook in hooks)
    assert _number(stack, r"TimeoutStopSec=(\d+)") >= agent_is_done - _NOTICE_SECONDS


def test_an_old_vllm_is_not_given_an_argument_that_it_refuses(synth: Synth) -> None:
    """An engine that can't be told to finish must still start; the agent's wait protects its requests."""
    (text,) = _stack(synth, "120s", "v0.17.1").user_data()
    assert "shutdown-timeout" not in text
