"""What the gates say: regressions are seen, noise is not, and what isn't known is neither."""

import random
from dataclasses import replace

import pytest

from infra.rollout.gates import judge, share
from infra.rollout.measured import Measured
from infra.rollout.types import Answer, GateSpec, Plan, Verdict
from tests.fakes.cluster import a_plan
from tests.unit.rollout.samples import measured, release

GATES = tuple(
    GateSpec(gate=gate, limit=limit, worse_by=worse_by, min_samples=least)
    for gate, limit, worse_by, least in (
        ("error_rate", None, 0.5, 50),
        ("latency_p95", None, 20.0, 50),
        ("latency_p99", None, 30.0, 50),
        ("ttft_p95", None, 20.0, 50),
        ("tpot_p95", None, 20.0, 50),
        ("tokens_per_second", None, 20.0, 50),
        ("engine_failures", 0.0, None, 1),
        ("quality", None, 5.0, 10),
    )
)
PLAN = a_plan(gates=GATES)


def verdicts(
    new: Measured, old: Measured, *, fraction: float = 1.0, weight: int = 25, plan: Plan = PLAN
) -> dict[str, Verdict]:
    """By gate."""
    measurements = measured(old, new)
    found = (share(measurements, weight), *judge(plan.gates, measurements, fraction=fraction))
    return {verdict.gate: verdict for verdict in found}


@pytest.fixture
def draw() -> random.Random:
    """The same samples in each run."""
    return random.Random(7)


def test_a_release_that_is_as_good_passes(draw: random.Random) -> None:
    """At the end of the bake, with enough samples, every gate but a noisy one passes, and none fails."""
    old, new = release(draw, 1500), release(draw, 500)
    found = verdicts(replace(new, scores=old.scores), old)
    assert {verdict.answer for verdict in found.values()} == {Answer.PASS}


def test_nothing_passes_before_the_bake_is_over(draw: random.Random) -> None:
    """However good it looks."""
    found = verdicts(release(draw, 500), release(draw, 1500), fraction=0.5)
    del found["share"]
    assert Answer.PASS not in {verdict.answer for verdict in found.values()}


@pytest.mark.parametrize(
    ("gate", "change"),
    [
        ("error_rate", {"errors": 0.02}),
        ("latency_p95", {"slower": 1.5}),
        ("ttft_p95", {"slower": 1.5}),
        ("tpot_p95", {"slower": 1.5}),
        ("tokens_per_second", {"slower": 1.5}),
        ("engine_failures", {"failures": 1}),
        ("quality", {"score": 0.0}),
    ],
)
def test_a_worse_release_fails_its_gate(gate: str, change: dict[str, float], draw: random.Random) -> None:
    """Each regression is named by its gate, with numbers."""
    new = release(draw, 500, **change)  # type: ignore[arg-type]
    verdict = verdicts(new, release(draw, 1500))[gate]
    assert verdict.answer is Answer.FAIL
    assert verdict.new is not None
    assert verdict.limit is not None
    assert "worse" in verdict.why


def test_a_clear_regression_fails_early(draw: random.Random) -> None:
    """Long before the bake is over, when there is no doubt."""
    found = verdicts(release(draw, 200, errors=0.3), release(draw, 600), fraction=0.2)
    assert found["error_rate"].answer is Answer.FAIL


def test_no_data_is_inconclusive() -> None:
    """Nothing measured: no gate passes, and none fails."""
    found = verdicts(Measured(), Measured())
    assert {verdict.answer for verdict in found.values()} == {Answer.INCONCLUSIVE}


def test_too_few_samples_are_inconclusive(draw: random.Random) -> None:
    """However bad they look."""
    found = verdicts(release(draw, 20, errors=0.5, slower=3.0), release(draw, 1500))
    for gate in ("error_rate", "latency_p95", "ttft_p95", "tpot_p95", "tokens_per_second"):
        assert found[gate].answer is Answer.INCONCLUSIVE


def test_an_old_release_without_traffic_is_no_measure(draw: random.Random) -> None:
    """Relative gates need both; absolute ones don't."""
    gates = (*GATES, GateSpec(gate="latency_p95", limit=0.5, worse_by=None, min_samples=50))
    new = release(draw, 500)
    found = judge(gates, measured(Measured(requests=0), new), fraction=1.0)
    assert found[1].answer is Answer.INCONCLUSIVE
    assert found[-1].answer is Answer.FAIL


def test_the_stricter_bound_decides(draw: random.Random) -> None:
    """A gate with both bounds fails by either."""
    gates = (GateSpec(gate="error_rate", limit=1.0, worse_by=50.0, min_samples=50),)
    found = verdicts(release(draw, 500, errors=0.08), release(draw, 1500), plan=a_plan(gates=gates))
    assert found["error_rate"].answer is Answer.FAIL
    assert found["error_rate"].limit == 1.0


@pytest.mark.parametrize(
    ("weight", "new", "old", "answer"),
    [
        (25, 250, 750, Answer.PASS),
        (25, 300, 700, Answer.PASS),
        (25, 400, 600, Answer.FAIL),
        (5, 0, 1000, Answer.FAIL),
        (100, 1000, 10, Answer.PASS),
        (100, 1000, 100, Answer.FAIL),
        (25, 5, 5, Answer.INCONCLUSIVE),
    ],
)
def test_the_share_must_fit_the_weight(weight: int, new: int, old: int, answer: Answer) -> None:
    """Within four standard deviations of a binomial, and a little for the edges of the window."""
    found = verdicts(Measured(requests=new), Measured(requests=old), weight=weight)
    assert found["share"].answer is answer


def test_golden_prompts_do_not_count_for_the_share() -> None:
    """They went past the weights."""
    found = verdicts(Measured(requests=450, direct=200), Measured(requests=950, direct=200))
    assert found["share"].answer is Answer.PASS


def test_ten_healthy_upgrades_do_not_fail_once(draw: random.Random) -> None:
    """Ten upgrades, four steps, twenty looks at growing samples each, all gates: no false alarm."""
    for _ in range(10):
        for weight in (5, 25, 50, 100):
            for look in (1, 2, 3, 5, 8, 12, 16, 20):
                requests = 100 * look
                new = release(draw, max(1, requests * weight // 100))
                old = release(draw, requests * (100 - weight) // 100 + 1)
                new = replace(new, scores=old.scores)
                found = verdicts(new, old, fraction=look / 20, weight=weight)
                failed = {gate for gate, each in found.items() if each.answer is Answer.FAIL}
                assert not failed, (weight, look, found)
