"""What a plan means, and how it is ordered."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from infra.environment.model import Engine, Environment, Replicas
from infra.environment.record import decoded, encoded
from infra.environment.rollout import Rollout
from infra.plan.changes import ResourceChange, resource_changes
from infra.plan.meaning import SHARED, meaning
from infra.plan.report import report
from tests.fakes.environments import model, two_models
from tests.unit.plan.documents import change, document

BEFORE = two_models("staging")
TEMPLATE = "aws_launch_template.model_chat_release_template"


def with_chat(**sections: object) -> Environment:
    """The environment with another model chat."""
    return msgspec.structs.replace(BEFORE, models={**BEFORE.models, "chat": model(**sections)})


def changes(*some: Mapping[str, Any]) -> tuple[ResourceChange, ...]:
    """Changes as a plan's document tells them."""
    return resource_changes(document(*some))


def told(before: Environment | None, after: Environment, *some: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Models and what is said of them."""
    return [(each.model, each.text) for each in meaning(before, after, changes(*some))]


def test_a_new_release_says_how_long_it_takes() -> None:
    """In the words of the file, and with the time that its steps and the balancer need."""
    after = with_chat(
        engine=Engine(name="vllm", version="0.12.0"), rollout=Rollout(steps=(5, 50, 100), bake="9m")
    )
    before = with_chat(rollout=after.models["chat"].rollout)
    assert told(before, after, change(TEMPLATE, ["update"], {}, {})) == [
        ("chat", "engine version 0.11.0 -> 0.12.0, a new release rolls out in 3 steps over about 30 min"),
        (SHARED, "nothing is replaced or deleted"),
    ]


@pytest.mark.parametrize(
    ("rollout", "how"),
    [
        (Rollout(strategy="all-at-once"), "a new release, which takes all traffic at once and is not judged"),
        (Rollout(strategy="blue-green", bake="4m"), "a new release rolls out in 1 step over about 5 min"),
        (
            Rollout(steps=(50, 100), bake="1m", pause_at=(50,)),
            "a new release rolls out in 2 steps over about 4 min, waiting for a person at 50 %",
        ),
    ],
)
def test_how_a_release_takes_over(rollout: Rollout, how: str) -> None:
    """By the model's strategy; also where nothing in the file changed, as with another agent."""
    environment = with_chat(rollout=rollout)
    assert told(environment, environment, change(TEMPLATE, ["update"], {}, {}))[0] == ("chat", how)


def test_settings_are_told_as_the_file_names_them() -> None:
    """What was, and what will be; of lists, what comes and goes."""
    assert told(BEFORE, with_chat(replicas=Replicas(min=3, max=12))) == [("chat", "max replicas 5 -> 12")]
    more = msgspec.structs.replace(
        BEFORE, endpoint=msgspec.structs.replace(BEFORE.endpoint, allow_cidrs=("10.0.0.0/8", "0.0.0.0/0"))
    )
    assert told(BEFORE, more) == [(SHARED, "endpoint.allow_cidrs +0.0.0.0/0")]


def test_models_come_and_go() -> None:
    """What a new one serves, and what a removed one had."""
    one = msgspec.structs.replace(BEFORE, models={"chat": BEFORE.models["chat"]})
    assert told(one, BEFORE) == [("french", "new: vllm 0.11.0 serves hf://org/model, 3 to 5 replicas")]
    assert told(BEFORE, one) == [("french", "removed; it had 3 to 5 replicas")]


def test_a_new_environment() -> None:
    """Everything is new."""
    assert told(None, BEFORE, change("aws_vpc.network_vpc", ["create"])) == [
        (SHARED, "a new environment in us-east-1"),
        ("chat", "new: vllm 0.11.0 serves hf://org/model, 3 to 5 replicas"),
        ("french", "new: vllm 0.11.0 serves hf://org/model, 3 to 5 replicas"),
        (SHARED, "nothing is replaced or deleted"),
    ]


def test_what_is_not_on_record_is_not_guessed() -> None:
    """A state that an older llmctl wrote says nothing of the file."""
    (first, _) = told(None, BEFORE, change("aws_vpc.network_vpc", ["update"], {}, {}))
    assert "not on record" in first[1]


def test_nothing_means_nothing() -> None:
    """An empty plan has no sentence."""
    assert told(BEFORE, BEFORE) == []


def test_what_is_destroyed_is_counted() -> None:
    """Replacements and deletions, apart."""
    gone = change("aws_lb.balancer", ["delete", "create"], {}, {}), change("aws_vpc.network_vpc", ["delete"])
    assert told(BEFORE, BEFORE, *gone) == [
        (SHARED, "1 replaced and 1 deleted, of the resources that are there")
    ]


def test_the_worst_comes_first() -> None:
    """Shared resources, then the models in the order of the file, then removed ones; in each, deletions."""
    found = report(
        None,
        BEFORE,
        changes(
            change("aws_autoscaling_group.model_old_blue", ["delete"]),
            change(TEMPLATE, ["update"], {}, {}),
            change("aws_autoscaling_group.model_chat_blue", ["create"]),
            change("aws_autoscaling_group.model_chat_green", ["delete"]),
            change("aws_lb.balancer", ["delete", "create"], {}, {}),
        ),
        has_changes=True,
    )
    assert [(group.model, [each.action.value for each in group.changes]) for group in found.groups] == [
        (SHARED, ["replace"]),
        ("chat", ["delete", "update", "create"]),
        ("old", ["delete"]),
    ]
    assert found.counts == {"delete": 2, "replace": 1, "create": 1, "update": 1}


def test_a_record_gives_the_environment_back() -> None:
    """What is kept in the state is what was in the file; equal files give equal bytes."""
    assert decoded(encoded(BEFORE)) == BEFORE
    assert encoded(two_models("staging")) == encoded(BEFORE)


@pytest.mark.parametrize("text", [None, "", "{}", '{"environment": "x", "unheard": 1}'])
def test_a_record_that_cannot_be_read_is_none(text: str | None) -> None:
    """Another version of llmctl wrote it; a plan goes on without."""
    assert decoded(text) is None
