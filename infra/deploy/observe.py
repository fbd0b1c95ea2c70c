"""Turns facts into the state that people and `deploy` reason about. Reading is here, interpreting is pure."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from infra.deploy.ports import Balancer, Fleet, Runtime
from infra.deploy.types import (
    EnvironmentState,
    Facts,
    Group,
    Health,
    Instance,
    ModelState,
    Phase,
    Replica,
    Report,
    Rollout,
    RolloutState,
    SlotState,
)
from infra.environment.model import Environment
from infra.environment.slots import Slot


def read(fleet: Fleet, balancer: Balancer, runtime: Runtime) -> Facts:
    """Ask everyone, at the same time: the slowest answer decides how long `status` takes.

    Only slots that have instances are asked for their health: half of them are idle.
    """
    with ThreadPoolExecutor(max_workers=9) as pool:
        groups = pool.submit(fleet.groups)
        address, weights = pool.submit(balancer.address), pool.submit(balancer.weights)
        releases, launched = pool.submit(fleet.latest_releases), pool.submit(fleet.launched)
        live, reports = pool.submit(runtime.live), pool.submit(runtime.reports)
        rollouts = pool.submit(runtime.rollouts)
        busy = {(group.model, group.slot) for group in groups.result() if group.instances}
        return Facts(
            address=address.result(),
            groups=groups.result(),
            latest_releases=releases.result(),
            live=live.result(),
            weights=weights.result(),
            health=balancer.health(busy),
            reports=reports.result(),
            launched=launched.result(),
            rollouts=rollouts.result(),
        )


def interpret(environment: Environment, facts: Facts) -> EnvironmentState:
    """The environment's state, model by model in the order of the file."""
    endpoint = endpoint_url(environment, facts.address or "")
    return EnvironmentState(
        environment=environment.environment,
        endpoint=endpoint,
        models=tuple(
            _model(environment, name, facts) for name in environment.models if name in facts.latest_releases
        ),
    )


def endpoint_url(environment: Environment, address: str) -> str:
    """Base URL of the environment, without a trailing slash."""
    endpoint = environment.endpoint
    scheme, standard = ("https", 443) if endpoint.domain else ("http", 80)
    port = endpoint.listener_port
    return f"{scheme}://{endpoint.domain or address}" + ("" if port == standard else f":{port}")


def model_url(environment: Environment, model: str, address: str) -> str:
    """Base URL of a model's OpenAI API, as OpenAI clients want it (ending in /v1)."""
    base = endpoint_url(environment, address)
    if environment.endpoint.domain and model != environment.default_model:
        return base.replace("://", f"://{model}.", 1) + "/v1"
    return f"{base}/v1" if model == environment.default_model else f"{base}/{model}/v1"


def serves(facts: Facts, model: str, slot: Slot) -> bool:
    """Whether a slot has a replica that the balancer calls healthy."""
    return any(
        facts.health.get(instance.id) is Health.HEALTHY
        for group in facts.groups
        if group.model == model and group.slot is slot
        for instance in group.instances
    )


def phase(lifecycle: str, health: Health, report: Report | None) -> Phase:
    """Where a replica is: the balancer's word counts most, then the group's, then the agent's."""
    if health is Health.DRAINING or lifecycle.startswith(("Terminat", "Detach")):
        return Phase.DRAINING
    if health is Health.HEALTHY and lifecycle == "InService":
        return Phase.HEALTHY
    if report is not None and report.phase is not Phase.HEALTHY:
        return report.phase
    if health is Health.UNHEALTHY:
        return Phase.UNHEALTHY
    return Phase.LAUNCHING if report is None else Phase.REGISTERING


def _model(environment: Environment, name: str, facts: Facts) -> ModelState:
    live = facts.live.get(name)
    return ModelState(
        name=name,
        live=live.slot if live else None,
        release=live.release if live else None,
        latest_release=facts.latest_releases[name],
        url=model_url(environment, name, facts.address or ""),
        slots=tuple(_slot(name, slot, facts) for slot in Slot),
        rollout=_rollout(facts.rollouts.get(name)),
    )


def _rollout(found: Rollout | None) -> RolloutState | None:
    if found is None or found.status.phase.ended:
        return None
    plan, status = found.plan, found.status
    return RolloutState(
        id=plan.id,
        phase=status.phase,
        since=datetime.fromtimestamp(status.since, UTC),
        old_release=plan.old_release,
        new_release=plan.new_release,
        weight=status.weight,
        driver=found.driver,
        reason=status.reason,
    )


def _slot(model: str, slot: Slot, facts: Facts) -> SlotState:
    groups = [group for group in facts.groups if group.model == model and group.slot is slot]
    return SlotState(
        slot=slot,
        weight=facts.weights.get(model, {}).get(slot, 0),
        release=max((group.release for group in groups), default=0),
        wanted=sum(group.desired for group in groups),
        replicas=tuple(_replica(group, instance, facts) for group in groups for instance in group.instances),
        problems=tuple(f"{group.market}: {group.problem}" for group in groups if group.problem),
    )


def _replica(group: Group, instance: Instance, facts: Facts) -> Replica:
    report = facts.reports.get(instance.id)
    return Replica(
        id=instance.id,
        phase=phase(instance.lifecycle, facts.health.get(instance.id, Health.UNREGISTERED), report),
        detail=report.detail if report else "",
        slot=group.slot,
        market=group.market,
        release=instance.release,
        type=instance.type,
        zone=instance.zone,
        launched=facts.launched.get(instance.id),
    )
