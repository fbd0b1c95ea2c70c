"""Waits until an environment serves, or until it is empty. Time and observation are injected."""

from collections.abc import Callable
from typing import NoReturn

from infra.deploy.ports import Clock
from infra.deploy.types import EnvironmentState, Phase, Replica
from infra.errors import ExitCode, LlmctlError

POLL_SECONDS = 2.0

Observe = Callable[[], EnvironmentState]
Watcher = Callable[[EnvironmentState], None]


def until_ready(observe: Observe, clock: Clock, *, timeout: float, watch: Watcher) -> EnvironmentState:
    """Return once every live slot has all its replicas healthy at the balancer.

    `timeout` is in seconds; after it `LlmctlError` (inconclusive) says which replicas are missing and why.
    """
    return _until(
        lambda state: state.ready,
        observe,
        clock,
        timeout=timeout,
        watch=watch,
        failure=lambda state: LlmctlError(
            f"{state.environment} is not ready after {timeout:.0f} s:\n" + "\n".join(_missing(state)),
            hint=f"the launch goes on: `llmctl status --env {state.environment} -w` follows it, "
            f"`llmctl logs --env {state.environment}` tells what engines say",
            code=ExitCode.INCONCLUSIVE,
        ),
    )


def until_empty(observe: Observe, clock: Clock, *, timeout: float, watch: Watcher) -> EnvironmentState:
    """Return once no replica is left in any slot; `timeout` as in `until_ready`."""
    return _until(
        lambda state: not replicas(state),
        observe,
        clock,
        timeout=timeout,
        watch=watch,
        failure=lambda state: LlmctlError(
            f"{len(replicas(state))} replicas of {state.environment} did not drain within {timeout:.0f} s",
            hint=f"`llmctl destroy --env {state.environment}` can be run again; "
            "--no-drain does not wait for requests in flight",
            code=ExitCode.INCONCLUSIVE,
        ),
    )


def watch_forever(observe: Observe, clock: Clock, watch: Watcher) -> NoReturn:
    """Show the state again and again, until the process is interrupted."""
    while True:
        watch(observe())
        clock.sleep(POLL_SECONDS)


def replicas(state: EnvironmentState) -> list[Replica]:
    """All replicas of an environment."""
    return [replica for model in state.models for slot in model.slots for replica in slot.replicas]


def _until(
    done: Callable[[EnvironmentState], bool],
    observe: Observe,
    clock: Clock,
    *,
    timeout: float,
    watch: Watcher,
    failure: Callable[[EnvironmentState], LlmctlError],
) -> EnvironmentState:
    begin = clock.now()
    while True:
        state = observe()
        watch(state)
        if done(state):
            return state
        if (clock.now() - begin).total_seconds() > timeout:
            raise failure(state)
        clock.sleep(POLL_SECONDS)


def _missing(state: EnvironmentState) -> list[str]:
    lines = []
    for model in state.models:
        for slot in model.slots:
            if slot.slot is model.live and slot.healthy < slot.wanted:
                lines.append(f"  {model.name}: {slot.healthy} of {slot.wanted} replicas healthy")
                lines += [f"    {problem}" for problem in slot.problems]
                lines += [
                    f"    {replica.id} {replica.phase} {replica.detail}".rstrip()
                    for replica in slot.replicas
                    if replica.phase is not Phase.HEALTHY
                ]
    return lines
