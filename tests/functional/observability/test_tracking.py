"""What a scaling policy tracks is what the file says, per replica: on policies as Terraform creates them.

The policies are put into the emulated cloud, which makes their alarms as AWS does; CloudWatch is then asked
for the very metric, or math, that those alarms compare with the target.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.agent import catalogue
from infra.agent.catalogue import Metric
from infra.embedded.aws import cloudwatch
from infra.environment import names
from infra.environment.slots import Market, Slot
from infra.observability.lines import ELB, GROUPS
from tests.functional.observability.synthesised import Client, Created
from tests.synth.synthesis import REGION, Stack, environment, model

_ACCOUNT = "123456789012"
_START = 1_800_000_000 // 60 * 60
_TARGET = 10


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a slot has to do in a minute, and how many replicas share it."""

    replicas: int
    requests: float = 1200
    in_flight: float = 48
    queued: float = 12
    tokens: float = 7200


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A model's scaling section, and what it makes of twelve replicas' load on four and on eight."""

    model: str
    scaling: dict[str, Any]
    of_four: float
    of_eight: float


MEASURES = [
    Measure(model="plain", scaling={}, of_four=300, of_eight=150),
    Measure(model="requests", scaling={"metric": "requests_per_replica"}, of_four=300, of_eight=150),
    Measure(model="flight", scaling={"metric": "concurrency"}, of_four=12, of_eight=6),
    Measure(model="queue", scaling={"metric": "queue_depth"}, of_four=3, of_eight=1.5),
    Measure(model="tokens", scaling={"metric": "tokens_per_second"}, of_four=30, of_eight=15),
    Measure(
        model="weighed",
        scaling={"expression": "(in_flight + 2 * queued) / replicas"},
        of_four=18,
        of_eight=9,
    ),
    Measure(
        model="mixed",
        scaling={"expression": "MAX([requests / replicas / 60, tokens / replicas / 2])"},
        of_four=15,
        of_eight=7.5,
    ),
]


class Slots:
    """The policies of a model's slots, in groups that stay empty: load and sizes are told, not there."""

    def __init__(self, created: Created, client: Client, model: str) -> None:
        self._created = created
        self._client = client("cloudwatch")
        self._model = model
        network = client("ec2")
        vpc = network.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = network.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", AvailabilityZone=f"{REGION}a")
        template = network.create_launch_template(
            LaunchTemplateName="any", LaunchTemplateData={"InstanceType": "g5.xlarge"}
        )
        mine = [names.group("test", model, slot, Market.SPOT) for slot in Slot]
        for policy in created.policies():
            if (group := policy["AutoScalingGroupName"]) in mine:
                client("autoscaling").create_auto_scaling_group(
                    AutoScalingGroupName=group,
                    MinSize=0,
                    MaxSize=0,
                    VPCZoneIdentifier=subnet["Subnet"]["SubnetId"],
                    LaunchTemplate={
                        "LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"],
                        "Version": "1",
                    },
                )
                client("autoscaling").put_scaling_policy(**policy)

    def load(self, load: Load, minute: int, slot: Slot = Slot.BLUE) -> None:
        """Let a minute be published; of gauges there are three samples a replica, half of them zero."""
        on_demand = load.replicas // 4
        sizes = {Market.ON_DEMAND: on_demand, Market.SPOT: load.replicas - on_demand}
        for market, size in sizes.items():
            group = {"AutoScalingGroupName": names.group("test", self._model, slot, market)}
            _record(GROUPS, "GroupInServiceInstances", group, [(size, 1)], minute)
        if not load.replicas:
            return
        targets = {"TargetGroup": self._created.target_group("test", self._model, slot)}
        both = targets | {"LoadBalancer": self._created.balancer()}
        _record(ELB, "RequestCount", both, [(1, load.requests)], minute)
        _record(ELB, "RequestCountPerTarget", both, [(1 / load.replicas, load.requests)], minute)
        samples = load.replicas * 3 / 2
        for metric, whole in ((catalogue.IN_FLIGHT, load.in_flight), (catalogue.QUEUED, load.queued)):
            each = whole / load.replicas
            _told(self._model, slot, metric, [(2 * each, samples), (0, samples)], minute)
        _told(self._model, slot, catalogue.GENERATED_TOKENS, [(load.tokens / 12, 12)], minute)

    def alarms(self, slot: Slot = Slot.BLUE) -> dict[str, dict[str, Any]]:
        """The policy's alarms, as CloudWatch has them, by what they are for: High and Low."""
        group = names.group("test", self._model, slot, Market.SPOT)
        found = self._client.describe_alarms(AlarmNamePrefix=f"TargetTracking-{group}-")["MetricAlarms"]
        return {alarm["AlarmName"].split("-Alarm")[1].split("-")[0]: alarm for alarm in found}

    def value(self, minute: int, slot: Slot = Slot.BLUE) -> float | None:
        """What the policy sees in a minute; None where there is nothing to see."""
        at = _START + minute * 60
        answer = self._client.get_metric_data(
            MetricDataQueries=_queries(self.alarms(slot)["High"]),
            StartTime=datetime.fromtimestamp(at, UTC),
            EndTime=datetime.fromtimestamp(at + 60, UTC),
        )
        (result,) = answer["MetricDataResults"]
        assert len(result["Values"]) <= 1
        return next(iter(result["Values"]), None)

    def firing(self, minute: int, slot: Slot = Slot.BLUE) -> set[str]:
        """Which of the policy's alarms fire when a minute is over."""
        cloudwatch.evaluate(_START + (minute + 1) * 60 + 2)
        return {kind for kind, alarm in self.alarms(slot).items() if alarm["StateValue"] == "ALARM"}


def _queries(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What an alarm compares, as GetMetricData asks for it."""
    if alarm.get("Metrics"):
        return list(alarm["Metrics"])
    metric = {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {"Metric": metric, "Period": alarm["Period"], "Stat": alarm["Statistic"]}
    return [{"Id": "single", "MetricStat": stat}]


def _told(model: str, slot: Slot, metric: Metric, values: list[tuple[float, float]], minute: int) -> None:
    dimensions = {"environment": "test", "model": model, "slot": slot.value}
    _record(catalogue.NAMESPACE, metric.name, dimensions, values, minute)


def _record(
    namespace: str, name: str, dimensions: dict[str, str], values: list[tuple[float, float]], minute: int
) -> None:
    at = _START + minute * 60 + 30
    cloudwatch.record(_ACCOUNT, REGION, namespace, name, dimensions, values, at)


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A stack with a model for each measure."""
    models = {
        measure.model: model(
            scaling={"target": _TARGET, **measure.scaling, "scale_in": measure.model != "queue"}
        )
        for measure in MEASURES
    }
    endpoint = {"allow_cidrs": ["203.0.113.0/24"], "default_model": "plain"}
    return Stack(environment(models=models, endpoint=endpoint), tmp_path_factory.mktemp("measured"))


@pytest.fixture(params=MEASURES, ids=lambda measure: measure.model)
def measure(request: pytest.FixtureRequest) -> Measure:
    """Each measure."""
    found: Measure = request.param
    return found


@pytest.fixture
def slots(client: Client, measured: Stack, measure: Measure) -> Slots:
    """The policies of its model in an empty cloud."""
    return Slots(Created(measured, client), client, measure.model)


def test_tracks_what_the_file_says(slots: Slots, measure: Measure) -> None:
    """The same load is half as much for each replica if there are twice as many."""
    slots.load(Load(replicas=4), 0)
    slots.load(Load(replicas=8), 1)
    assert slots.value(0) == pytest.approx(measure.of_four)
    assert slots.value(1) == pytest.approx(measure.of_eight)


def test_slots_are_told_apart(slots: Slots, measure: Measure) -> None:
    """In a rollout each slot follows its own load; an idle one has none, and nothing to scale by."""
    slots.load(Load(replicas=4), 0)
    slots.load(Load(replicas=0), 0, Slot.GREEN)
    assert slots.value(0, Slot.GREEN) is None
    slots.load(Load(replicas=8), 1)
    slots.load(Load(replicas=4), 1, Slot.GREEN)
    assert slots.value(1) == pytest.approx(measure.of_eight)
    assert slots.value(1, Slot.GREEN) == pytest.approx(measure.of_four)


def test_scales_out_after_three_minutes_and_in_after_fifteen(slots: Slots, measure: Measure) -> None:
    """The load that is just above the target adds replicas, the load that is well below takes them away."""
    more, less = _TARGET * 1.01 / measure.of_four, _TARGET * 0.89 / measure.of_four
    fired = []
    for minute in range(20):
        slots.load(_times(Load(replicas=4), more if minute < 3 else less), minute)
        fired.append(slots.firing(minute))
    takes_away = measure.model != "queue"
    assert fired[:3] == [set(), set(), {"High"}]
    assert "High" not in fired[3]
    assert [minute for minute, kinds in enumerate(fired) if "Low" in kinds] == [17, 18, 19] * takes_away
    assert set(slots.alarms()) == ({"High", "Low"} if takes_away else {"High"})


def test_holds_still_at_the_target_and_without_data(slots: Slots, measure: Measure) -> None:
    """Neither a load near the target nor a slot that tells nothing moves anything."""
    near = _times(Load(replicas=4), _TARGET * 0.97 / measure.of_four)
    for minute in range(16):
        slots.load(near, minute)
        assert not slots.firing(minute)
        assert not slots.firing(minute, Slot.GREEN)
    for minute in range(16, 34):
        assert not slots.firing(minute)


def _times(load: Load, factor: float) -> Load:
    return Load(
        replicas=load.replicas,
        requests=load.requests * factor,
        in_flight=load.in_flight * factor,
        queued=load.queued * factor,
        tokens=load.tokens * factor,
    )
