"""Nodes learn of new weights one after another; together they split as their sum."""

from infra.embedded.aws.views import Forward, WeightedTargetGroup
from infra.embedded.balancer.propagation import split


def forward(blue: int, green: int) -> Forward:
    """A rule's action."""
    return Forward(
        target_groups=(
            WeightedTargetGroup(arn="blue", weight=blue),
            WeightedTargetGroup(arn="green", weight=green),
        )
    )


def green_at(seconds: float) -> float:
    """Share of green so long after a change from 100/0 to 0/100 that takes 30 seconds."""
    found = split([(float("-inf"), forward(100, 0)), (0.0, forward(0, 100))], seconds, 30.0)
    weights = {group.arn: group.weight for group in found.target_groups}
    return weights["green"] / sum(weights.values())


def test_a_third_of_the_nodes_after_a_third_of_the_time() -> None:
    """Three nodes: none at first, then one after the other, and all at the end."""
    assert [round(green_at(seconds), 2) for seconds in (1, 10, 19, 20, 29, 30)] == [
        0.0,
        0.33,
        0.33,
        0.67,
        0.67,
        1.0,
    ]


def test_nodes_count_alike_whatever_their_weights_add_up_to() -> None:
    """A change from 1 and 1 to 0 and 100: two nodes of three still split in halves."""
    found = split([(float("-inf"), forward(1, 1)), (0.0, forward(0, 100))], 10.0, 30.0)
    weights = {group.arn: group.weight for group in found.target_groups}
    assert weights == {"blue": 300, "green": 600}


def test_it_may_become_slower_in_the_middle() -> None:
    """Nodes that are slower than they were have the oldest weights that are still known."""
    found = split([(10.0, forward(90, 10)), (15.0, forward(50, 50))], 15.0, 60.0)
    weights = {group.arn: group.weight for group in found.target_groups}
    assert weights == {"blue": 810, "green": 90}
