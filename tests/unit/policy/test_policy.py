"""A team's own rules: what they see, what they say, and that a plan they could not check has not passed."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from infra.cost.estimate import estimate
from infra.cost.prices import snapshot
from infra.errors import Refused
from infra.plan.report import Costs, report
from infra.plan.subject import subject
from infra.plan.values import secret
from infra.policy.folder import evaluate
from infra.policy.settings import Settings, check
from infra.policy.types import Document, Severity
from tests.fakes.environments import two_models
from tests.unit.plan.documents import change
from tests.unit.risk.prepared import changes

ENVIRONMENT = replace(two_models("shop"), tags={"team": "search"})


def planned(environment: Any = ENVIRONMENT, *some: dict[str, Any]) -> Document:
    """The document of a plan."""
    costs = Costs(None, estimate(environment, snapshot("us-east-1")))
    found = changes(*some)
    return subject(None, environment, found, report(None, environment, found, has_changes=True, cost=costs))


def broken(environment: Any = ENVIRONMENT, **settings: Any) -> list[str]:
    """What settings object to."""
    told = check(msgspec.convert(settings, Settings), planned(environment), "policy.yaml")
    return [f"{each.rule}: {each.message}" for each in told]


def test_what_rules_see() -> None:
    """Plain data of a known version: files, changes without secrets, risks, cost."""
    hidden = change(
        "aws_secret.a",
        ["update"],
        {"key": "a"},
        {"key": "b"},
        before_sensitive={"key": True},
        after_sensitive=True,
    )
    document = planned(ENVIRONMENT, hidden)
    assert document["version"] == 1
    assert document["before"] is None
    assert document["after"]["models"]["chat"]["replicas"]["min"] == 3
    assert document["changes"][0]["before"] == {"key": str(secret("a"))}
    assert document["cost"]["after"]["expected"] > 0
    assert document["cost"]["lines"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"required_tags": ["team", "cost-center"]}, "required_tags: tags lacks cost-center"),
        ({"regions": ["eu-*"]}, "regions: us-east-1 is not one of eu-*"),
        ({"instance_families": ["g6"]}, "instance_families: chat: g5.xlarge is not of g6"),
        ({"monthly_budget": 10}, "monthly_budget: about $"),
        ({"min_spot_share": 0.9}, "min_spot_share: chat: "),
    ],
)
def test_settings_object(settings: dict[str, Any], message: str) -> None:
    """Each setting to what it is about, with the figures."""
    assert broken(**settings)[0].startswith(f"policy.yaml: {message}")


def test_an_open_endpoint_without_a_key() -> None:
    """Both together are denied, either alone is not."""
    endpoint = replace(ENVIRONMENT.endpoint, allow_cidrs=("0.0.0.0/0",), auth="none")
    wish = {"public_endpoint_needs_auth": True}
    assert broken(replace(ENVIRONMENT, endpoint=endpoint), **wish)
    for part in ({"auth": "api-key"}, {"allow_cidrs": ("10.0.0.0/8",)}):
        assert not broken(replace(ENVIRONMENT, endpoint=replace(endpoint, **part)), **wish)


def test_settings_that_are_met_are_silent() -> None:
    """As are those that aren't there."""
    assert not broken()
    assert not broken(
        required_tags=["team"],
        regions=["us-*"],
        instance_families=["g5", "g6"],
        monthly_budget=1e6,
        min_spot_share=0.1,
    )


def write(folder: Path, **files: str) -> Path:
    """A folder with these files; `__` in a name stands for a dot."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_functions_object(tmp_path: Path) -> None:
    """Those named deny_ and warn_, denials first; others are the file's own business."""
    folder = write(
        tmp_path,
        rules__py="def helper(plan):\n    return ['no rule']\n"
        "def warn_small(plan):\n    yield 'small'\n"
        "def deny_name(plan):\n    return [plan['after']['environment']]\n",
    )
    found = evaluate(folder, planned())
    assert [(each.severity, each.rule, each.message) for each in found] == [
        (Severity.DENY, "rules.py: deny_name", "shop"),
        (Severity.WARN, "rules.py: warn_small", "small"),
    ]


def test_schemas_object(tmp_path: Path) -> None:
    """With the place in the plan's document."""
    schema = (
        '{"title": "small", "x-severity": "warn", "properties": {"after": {"properties": {"models": '
        '{"additionalProperties": {"properties": {"replicas": {"properties": {"max": {"maximum": 4}}}}}}}}}}'
    )
    found = evaluate(write(tmp_path, small__json=schema), planned())
    assert {(each.severity, each.rule) for each in found} == {(Severity.WARN, "small.json: small")}
    assert found[0].message.startswith("after.models.chat.replicas.max: 5 is greater")


def test_settings_are_read_from_the_folder(tmp_path: Path) -> None:
    """As YAML, with a severity for all of them."""
    found = evaluate(write(tmp_path, policy__yaml="regions: [eu-west-1]\nseverity: warn\n"), planned())
    assert [each.severity for each in found] == [Severity.WARN]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "no rule in it"),
        ({"policy__yaml": "region: [eu-west-1]\n"}, "unknown field `region`"),
        ({"policy__yaml": "regions: [\n"}, "policy.yaml:"),
        ({"rules__py": "x = 1\n"}, "no function"),
        ({"rules__py": "1 / 0\n"}, "ZeroDivisionError"),
        (
            {"rules__py": "def deny_all(plan):\n    x = 1\n    return plan['nothing']\n"},
            "rules.py:3: deny_all failed",
        ),
        ({"a__json": "{"}, "a.json"),
        ({"a__json": '{"type": 5}'}, "a.json"),
        ({"a__json": '{"x-severity": "shout"}'}, "shout"),
    ],
)
def test_what_cannot_be_checked_has_not_passed(tmp_path: Path, files: dict[str, str], told: str) -> None:
    """A rule that is broken, misspelled or missing is refused, with its file and what is wrong."""
    with pytest.raises(Refused) as refused:
        evaluate(write(tmp_path, **files), planned())
    assert told in refused.value.message


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A misspelled folder is no empty policy."""
    with pytest.raises(Refused, match="no such folder"):
        evaluate(tmp_path / "nowhere", planned())
