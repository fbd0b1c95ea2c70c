"""Fault injection: what llmctl asks of the service, asked of the embedded cloud; whom an experiment hits."""

import random
import time
from dataclasses import replace
from typing import Any

import pytest

from infra.aws.experiments import Experiments
from infra.aws.session import Session
from infra.embedded.aws import NotEmulatedError, experiments
from infra.embedded.aws.experiments import chosen
from infra.errors import Refused
from tests.unit.embedded_compute.test_compute import INSTANCE

TAGS = {"llmctl:environment": "shop", "llmctl:model": "chat"}
SPOT = replace(INSTANCE, state="running", tags=TAGS)
FLEET = [replace(SPOT, id=f"i-{number}") for number in range(5)]
TARGET = {"resourceType": "aws:ec2:spot-instance", "resourceTags": TAGS}


@pytest.mark.parametrize(
    ("mode", "count"), [("ALL", 5), ("COUNT(2)", 2), ("PERCENT(50)", 2), ("PERCENT(1)", 0)]
)
def test_a_target_is_running_spot_with_its_tags(mode: str, count: int) -> None:
    """Others with the same tags - on demand, or not yet running - can't be interrupted."""
    others = [
        replace(SPOT, id="i-a", market="on-demand"),
        replace(SPOT, id="i-b", state="pending"),
        replace(SPOT, id="i-c", tags={**TAGS, "llmctl:model": "code"}),
    ]
    hit = chosen([*others, *FLEET], {**TARGET, "selectionMode": mode}, random.Random(1))
    assert len(hit) == count
    assert {each.id for each in hit} <= {each.id for each in FLEET}


def test_what_is_not_emulated_is_refused() -> None:
    """Not taken for done."""
    with pytest.raises(NotEmulatedError):
        chosen(FLEET, {**TARGET, "resourceType": "aws:ec2:instance"}, random.Random(1))
    with pytest.raises(NotEmulatedError):
        chosen(FLEET, {**TARGET, "selectionMode": "FIRST"}, random.Random(1))


class Taker:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, float]] = []

    def interrupt(self, instance_id: str, at: float) -> None:
        """Note it."""
        self.told.append(("interrupt", instance_id, at))

    def recommend_rebalance(self, instance_id: str, at: float) -> None:
        """Note it."""
        self.told.append(("rebalance", instance_id, at))


@pytest.fixture
def service(cloud: Any) -> Experiments:
    """A cloud with three spot instances of a model, and the experiments that Terraform would make."""
    template = {"LaunchTemplateSpecification": {"LaunchTemplateId": cloud.template(), "Version": "1"}}
    cloud.group(
        cloud.network()[1],
        DesiredCapacity=3,
        MixedInstancesPolicy={
            "LaunchTemplate": template,
            "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 0},
        },
        Tags=[{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in TAGS.items()],
    )
    cloud.settle()
    for who, mode in (("one", "COUNT(1)"), ("half", "PERCENT(50)")):
        cloud.client("fis").create_experiment_template(
            description=who,
            roleArn="arn:aws:iam::123456789012:role/experiments",
            stopConditions=[{"source": "none"}],
            targets={"replicas": {**TARGET, "selectionMode": mode}},
            actions={
                "interrupt": {
                    "actionId": "aws:ec2:send-spot-instance-interruptions",
                    "parameters": {"durationBeforeInterruption": "PT3M"},
                    "targets": {"SpotInstances": "replicas"},
                }
            },
            tags={**TAGS, "llmctl:chaos": who},
        )
    variables = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": cloud.url}
    return Experiments(Session("us-east-1", variables), "shop", "chat")


def test_an_experiment_gives_notices(service: Experiments, cloud: Any) -> None:
    """A recommendation at once, the notice two minutes before the end, to the one that it says it chose."""
    taker = Taker()
    reconcile = experiments.reconciler(taker)
    began = time.time()
    experiment = service.start("one")
    started = time.time()
    (hit,) = service.instances(experiment)
    assert hit in cloud.states()
    reconcile(started)
    assert [told[:2] for told in taker.told] == [("rebalance", hit)]
    reconcile(began + 59)
    assert len(taker.told) == 1
    reconcile(started + 60)
    kind, instance, end = taker.told[1]
    assert (kind, instance) == ("interrupt", hit)
    assert began + 180 <= end <= started + 180
    states = [service.state(experiment)[0] for _ in range(3)]
    assert states[-1] in ("running", "completed")


def test_a_call_that_is_made_again_is_one_experiment(service: Experiments) -> None:
    """A lost answer must not take a second instance."""
    taker, again = Taker(), replace(service, token=lambda: "once")
    assert again.start("half") == again.start("half")
    experiments.reconciler(taker)(time.time() + 300)
    assert len([told for told in taker.told if told[0] == "interrupt"]) == 1


def test_what_terraform_did_not_make_is_refused(service: Experiments) -> None:
    """With what to do about it; another model's experiment isn't taken instead."""
    with pytest.raises(Refused) as caught:
        service.start("all")
    assert "llmctl deploy" in caught.value.hint
    with pytest.raises(Refused):
        replace(service, model="code").start("one")


def test_an_experiment_on_nobody_fails(service: Experiments, cloud: Any) -> None:
    """As the service's default says; a rehearsal without victims is none."""
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=0)
    cloud.settle()
    assert service.state(service.start("one"))[0] == "failed"
