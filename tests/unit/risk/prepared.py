"""Changes that a reviewer might be asked to approve, from harmless to disastrous."""

import json
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from infra.environment.model import Chaos, Endpoint, Engine, Environment, Instances, Replicas, Spot
from infra.environment.rollout import Rollout
from infra.plan.changes import ResourceChange, resource_changes
from tests.fakes.environments import model, two_models
from tests.unit.plan.documents import change, document

BEFORE = two_models("shop")
TEMPLATE = change("aws_launch_template.model_chat_release_template", ["update"], {}, {})
RISEN = {"chat": model(replicas=Replicas(min=3, max=8)), "french": model()}


@dataclass(frozen=True)
class Prepared:
    """A change, and the worst that a reviewer must be told of it."""

    name: str
    after: Environment
    changes: tuple[ResourceChange, ...] = ()
    danger: str | None = None
    warning: str | None = None
    before: Environment = BEFORE


def chat(**sections: object) -> Environment:
    """The environment with another model chat."""
    return replace(BEFORE, models={**BEFORE.models, "chat": model(**sections)})


def endpoint(**changes: Any) -> Environment:
    """The environment with another endpoint."""
    return replace(BEFORE, endpoint=replace(BEFORE.endpoint, **changes))


def changes(*some: dict[str, Any]) -> tuple[ResourceChange, ...]:
    """As Terraform's document tells them."""
    return resource_changes(document(*some))


def _gone(address: str, *actions: str, cause: str = "") -> dict[str, Any]:
    paths = {"replace_paths": [[cause]]} if cause else {}
    return change(address, list(actions) or ["delete"], {cause: "old"}, {cause: "new"}, **paths)


def _policy(*actions: str) -> dict[str, str]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"policy": json.dumps({"Statement": [statement]})}


PREPARED = (
    Prepared("a tag", replace(BEFORE, tags={"team": "search"})),
    Prepared("more replicas at most", replace(BEFORE, models=RISEN)),
    Prepared(
        "a new engine, judged step by step",
        chat(engine=Engine(name="vllm", version="0.12")),
        changes(TEMPLATE),
    ),
    Prepared(
        "a new engine, not judged",
        chat(engine=Engine(name="vllm", version="0.12"), rollout=Rollout(strategy="all-at-once")),
        changes(TEMPLATE),
        warning="unjudged-release",
    ),
    Prepared("open to the world", endpoint(allow_cidrs=("0.0.0.0/0",)), danger="open-endpoint"),
    Prepared("no key any more", endpoint(auth="none"), danger="no-auth"),
    Prepared(
        "a model removed",
        replace(BEFORE, models={"chat": model()}),
        changes(_gone("aws_autoscaling_group.model_french_blue_spot_group")),
        danger="model-removed",
    ),
    Prepared(
        "fewer at most than were needed at least",
        chat(replicas=Replicas(min=1, max=2)),
        danger="capacity-cut",
    ),
    Prepared(
        "another network range",
        replace(BEFORE, network=replace(BEFORE.network, cidr="10.1.0.0/16")),
        changes(
            _gone("aws_vpc.network_vpc", "delete", "create", cause="cidr_block"),
            *(_gone(f"aws_subnet.network_{each}", "delete", "create", cause="vpc_id") for each in range(12)),
        ),
        danger="outage",
    ),
    Prepared(
        "a renamed table",
        BEFORE,
        changes(_gone("aws_dynamodb_table.runtime_table", "delete", "create", cause="name")),
        danger="data-loss",
    ),
    Prepared(
        "no domain any more",
        replace(BEFORE, endpoint=Endpoint(allow_cidrs=("10.0.0.0/8",))),
        before=replace(BEFORE, endpoint=Endpoint(allow_cidrs=("10.0.0.0/8",), domain="llm.example.com")),
        danger="plain-http",
    ),
    Prepared(
        "instances that answer the old metadata requests",
        BEFORE,
        changes(
            change(
                "aws_launch_template.model_chat_release_template",
                ["update"],
                {"metadata_options": [{"http_tokens": "required"}]},
                {"metadata_options": [{"http_tokens": "optional"}]},
            )
        ),
        danger="weaker-instances",
    ),
    Prepared(
        "a role that may do more",
        BEFORE,
        changes(change("aws_iam_role_policy.a", ["update"], _policy("s3:Get"), _policy("s3:Get", "s3:*"))),
        warning="wider-permissions",
    ),
    Prepared("another port", endpoint(port=8080), danger="address-changes"),
    Prepared("asleep at night", chat(replicas=Replicas(min=0, max=5)), warning="may-sleep"),
    Prepared("rehearsals", replace(BEFORE, chaos=Chaos(allow=True))),
    Prepared("a wider range", endpoint(allow_cidrs=("10.0.0.0/7",)), warning="wider-endpoint"),
    Prepared("protection off", BEFORE, before=replace(BEFORE, protect=True), warning="protection-off"),
    Prepared(
        "one pool of spot",
        chat(instances=Instances(types=("g5.xlarge",), zones=("us-east-1a",)), spot=Spot(overprovision=1)),
        warning="one-pool",
    ),
    Prepared("nothing behind spot", chat(spot=Spot(fallback=False)), warning="no-fallback"),
    Prepared(
        "smaller GPUs",
        chat(instances=Instances(types=("g4dn.xlarge",), zones=("us-east-1a", "us-east-1b"))),
        warning="less-memory",
    ),
    Prepared("barely enough memory", chat(source="hf://org/model-9.5b"), warning="tight-fit"),
    Prepared("production unprotected", two_models("production"), before=two_models("production")),
    Prepared("a log group gone", BEFORE, changes(_gone("aws_cloudwatch_log_group.guardian_logs"))),
    Prepared("left behind", BEFORE, changes(_gone("aws_vpc.network_vpc", "forget")), warning="forgotten"),
)
