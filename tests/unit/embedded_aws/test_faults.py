"""Faults on demand: as many as asked for, the same again by seed, and none for those that weren't named."""

from collections import Counter

import pytest

from infra.embedded.aws.faults import Fate, Faults, Injector, throttled


def test_shares_are_kept() -> None:
    """A fifth throttled, a tenth failed, a twentieth lost, the rest served."""
    injector = Injector()
    injector.set(Faults(throttle=0.2, errors=0.1, lost=0.05, seed=7))
    found = Counter(injector.fate("ec2") for _ in range(4000))
    assert found[Fate.THROTTLED] / 4000 == pytest.approx(0.2, abs=0.03)
    assert found[Fate.FAILED] / 4000 == pytest.approx(0.1, abs=0.03)
    assert found[Fate.LOST] / 4000 == pytest.approx(0.05, abs=0.02)


def test_a_seed_repeats_itself() -> None:
    """The same calls meet the same fate."""
    fates = []
    for _ in range(2):
        injector = Injector()
        injector.set(Faults(throttle=0.5, seed=3))
        fates.append([injector.fate("ec2") for _ in range(50)])
    assert fates[0] == fates[1]


def test_other_services_are_spared() -> None:
    """Only those that are named."""
    injector = Injector()
    injector.set(Faults(errors=1.0, latency=2.0, services=("dynamodb",)))
    assert injector.fate("dynamodb") is Fate.FAILED
    assert injector.fate("ec2") is Fate.SERVED
    assert (injector.latency("dynamodb"), injector.latency("ec2")) == (2.0, 0.0)


def test_reads_of_other_services_are_never_stale() -> None:
    """Nor do they keep what they are told."""
    injector = Injector()
    injector.set(Faults(stale=60.0, services=("dynamodb",)))
    read = b"Action=DescribeRules&RuleArn=1"
    injector.remember("elasticloadbalancing", read, "old")
    assert injector.remembered("elasticloadbalancing", read) is None


def test_reads_are_stale_for_so_long_and_no_longer() -> None:
    """The same question gets the old answer within the time, a new one after it; writes never do."""
    now = [100.0]
    injector = Injector(lambda: now[0])
    injector.set(Faults(stale=5.0))
    read, write = b"Action=DescribeRules&RuleArn=1", b"Action=ModifyRule&RuleArn=1"
    injector.remember("elasticloadbalancing", read, "old")
    injector.remember("elasticloadbalancing", write, "old")
    now[0] = 104.9
    assert injector.remembered("elasticloadbalancing", read) == "old"
    assert injector.remembered("elasticloadbalancing", write) is None
    now[0] = 105.1
    assert injector.remembered("elasticloadbalancing", read) is None


def test_each_service_throttles_in_its_own_words() -> None:
    """SDKs know them by these codes."""
    assert throttled("ec2")[1] == "RequestLimitExceeded"
    assert throttled("elasticloadbalancing")[1] == "Throttling"
    assert throttled("monitoring")[1] == "ThrottlingException"


def test_services_are_known_by_the_names_of_sdks_too() -> None:
    """A fault that hits nothing, because of a name, would be taken for resilience."""
    wanted = {"services": ["cloudwatch", "elbv2", "monitoring", "ec2"]}
    services = Faults.told(wanted).services
    assert services == ("monitoring", "elasticloadbalancing", "monitoring", "ec2")


@pytest.mark.parametrize(
    "wanted",
    [
        {"throttle": 2},
        {"latency": -1},
        {"propagation": 61},
        {"services": [1]},
        {"services": "ec2"},
        {"services": ["dynamo"]},
        {"services": 5},
        {"seed": 0.5},
        {"speed": 1},
        {"throttle": 0.5, "lost": 0.6},
    ],
)
def test_what_cannot_be_is_refused(wanted: dict[str, object]) -> None:
    """With the name of what is wrong."""
    with pytest.raises(ValueError, match=next(iter(wanted))):
        Faults.told(wanted)
