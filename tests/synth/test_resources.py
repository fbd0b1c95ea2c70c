"""What the constructs make of an environment, beyond security and ownership."""

import json
from collections.abc import Callable
from dataclasses import fields

import pytest

from infra.agent.aws import Clients
from infra.engines.common import KEEP_ALIVE_SECONDS
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.record import decoded
from tests.synth.synthesis import REGION, VARIANTS, Stack, environment, model

Synth = Callable[[Environment], Stack]

_UNTAGGABLE = {
    "aws_acm_certificate_validation",
    "aws_autoscaling_lifecycle_hook",
    "aws_autoscaling_policy",
    "aws_cloudwatch_dashboard",
    "aws_cloudwatch_event_target",
    "aws_dynamodb_table_item",
    "aws_iam_role_policy",
    "aws_lambda_permission",
    "aws_lb_target_group_attachment",
    "aws_route",
    "aws_route53_record",
    "aws_route_table_association",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_sns_topic_policy",
    "aws_sns_topic_subscription",
}
_HOST_OF_CLIENT = {"cloudwatch": "monitoring", "elbv2": "elasticloadbalancing"}
_TAGGED_BY_ITSELF = {"aws_autoscaling_group"}


def test_everything_is_tagged(variant: Stack, spec: Environment) -> None:
    """The inventory finds each resource by the environment's tag, and the file's own tags are everywhere."""
    expected = {**spec.tags, "llmctl:environment": spec.environment}
    (provider,) = variant.json["provider"]["aws"]
    assert provider["default_tags"] == [{"tags": expected}]
    for address, group in variant.resources("aws_autoscaling_group"):
        tags = {each["key"]: each["value"] for each in group["tag"]}
        assert tags.items() >= expected.items(), address
        assert tags.keys() >= {"llmctl:model", "llmctl:slot", "llmctl:market", "Name"}, address
        assert all(each["propagate_at_launch"] for each in group["tag"]), address
    for address, template in variant.resources("aws_launch_template"):
        for each in template["tag_specifications"]:
            assert each["tags"].items() >= expected.items(), address


def test_every_type_is_known_to_be_tagged_or_not(variant: Stack) -> None:
    """A new resource type must say how it gets its tags: by the provider, if it takes any."""
    from importlib import import_module

    for kind in variant.json["resource"]:
        name = kind.removeprefix("aws_")
        module = import_module(f"modules.bindings.aws.{name}")
        binding = getattr(module, "".join(part.capitalize() for part in name.split("_")))
        taggable = "tags" in binding.__init__.__annotations__
        assert taggable or kind in _UNTAGGABLE | _TAGGED_BY_ITSELF, kind


def test_model_resources_carry_the_model(variant: Stack) -> None:
    """What belongs to a model says so by tag, as far as it has tags."""
    for address, arguments in variant.resources():
        name = address.partition(".")[2]
        if name.startswith("model_") and "tags" in arguments:
            assert name.startswith(f"model_{arguments['tags']['llmctl:model']}_"), address


def test_spot_groups_buy_no_on_demand(variant: Stack) -> None:
    """A spot group is all spot, spread by price and capacity, and replaced at the first warning."""
    for address, group in variant.resources("aws_autoscaling_group"):
        spread = group["mixed_instances_policy"]["instances_distribution"]
        spot = address.endswith("_spot_group")
        assert spread["on_demand_base_capacity"] == 0, address
        assert spread["on_demand_percentage_above_base_capacity"] == (0 if spot else 100), address
        assert group["capacity_rebalance"] is spot, address
        if spot:
            assert spread["spot_allocation_strategy"] == "price-capacity-optimized", address
        assert group["health_check_type"] == "ELB", address


def test_every_group_has_both_hooks(variant: Stack) -> None:
    """A replica serves only when it is healthy and goes only when it is drained."""
    hooks: dict[str, set[str]] = {}
    for _, hook in variant.resources("aws_autoscaling_lifecycle_hook"):
        hooks.setdefault(hook["autoscaling_group_name"], set()).add(hook["name"])
    groups = {f"${{{address}.name}}" for address, _ in variant.resources("aws_autoscaling_group")}
    assert hooks == {group: {"engine-healthy", "drained"} for group in groups}


def test_slots_share_their_template(variant: Stack, spec: Environment) -> None:
    """A model has one template, whose versions are its releases."""
    assert len(list(variant.resources("aws_launch_template"))) == len(spec.models)


def test_scaling_is_optional(synth: Synth) -> None:
    """Without `scaling` no policy fights the runtime over sizes; with it both slots' spot groups follow."""
    stack = synth(VARIANTS["bare"])
    policies = list(stack.resources("aws_autoscaling_policy"))
    assert [address for address, _ in policies] == [
        "aws_autoscaling_policy.model_b_scaling_blue_policy",
        "aws_autoscaling_policy.model_b_scaling_green_policy",
    ]
    for address, policy in policies:
        assert "_spot_group.name" in policy["autoscaling_group_name"], address
        metric = policy["target_tracking_configuration"]["predefined_metric_specification"]
        assert metric["predefined_metric_type"] == "ALBRequestCountPerTarget", address


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({}, {"path_pattern": {"values": ["/*"]}}),
        ({"models": {"chat": model(), "other": model()}}, {"path_pattern": {"values": ["/chat/*"]}}),
        (
            {
                "models": {"chat": model(), "other": model()},
                "endpoint": {"allow_cidrs": ["10.0.0.0/8"], "domain": "llm.example.com"},
            },
            {"host_header": {"values": ["chat.llm.example.com"]}},
        ),
    ],
    ids=["default", "path", "host"],
)
def test_routing(changes: dict[str, object], condition: object, synth: Synth) -> None:
    """The default model takes what is left; others are told apart by host with a domain, else by path."""
    stack = synth(environment(**changes))  # type: ignore[arg-type]
    rules = dict(stack.resources("aws_lb_listener_rule"))
    assert rules["aws_lb_listener_rule.model_chat_rule_listener"]["condition"] == [condition]


def test_engines_keep_connections_longer_than_the_balancer(variant: Stack) -> None:
    """The balancer closes idle connections first, or it would send requests into closed ones: 502."""
    assert variant.one("aws_lb")["idle_timeout"] < KEEP_ALIVE_SECONDS


def test_unknown_models_get_an_answer(synth: Synth) -> None:
    """A request that is no model's is answered 404, in the form that OpenAI's clients understand."""
    (action,) = synth(environment()).one("aws_lb_listener")["default_action"]
    answer = action["fixed_response"]
    assert answer["status_code"] == "404"
    assert json.loads(answer["message_body"])["error"]["message"]


@pytest.mark.parametrize(("egress", "gateways"), [("nat", 1), ("nat-per-zone", 2), ("endpoints", 0)])
def test_egress(egress: str, gateways: int, synth: Synth) -> None:
    """One gateway, one in each zone, or none but private endpoints; S3 and DynamoDB are always near."""
    stack = synth(environment(network={"cidr": "10.0.0.0/16", "egress": egress}))
    assert len(list(stack.resources("aws_nat_gateway"))) == gateways
    kinds = [each["vpc_endpoint_type"] for _, each in stack.resources("aws_vpc_endpoint")]
    assert kinds.count("Gateway") == 2
    assert ("Interface" in kinds) is (egress == "endpoints")


def test_without_internet_an_agent_still_reaches_all_its_services(synth: Synth) -> None:
    """Each service that the agent calls has an endpoint; without one its metrics, say, would end nowhere."""
    called = {field.name for field in fields(Clients)}
    hosts = {_HOST_OF_CLIENT.get(name, name) for name in called}
    stack = synth(VARIANTS["isolated"])
    there = {
        each["service_name"].rpartition(f"{REGION}.")[2] for _, each in stack.resources("aws_vpc_endpoint")
    }
    assert hosts <= there


def test_existing_network_is_left_alone(synth: Synth) -> None:
    """Nothing is created in it but security groups; its subnets are used as given."""
    stack = synth(VARIANTS["existing"])
    owned = {"aws_vpc", "aws_subnet", "aws_route_table", "aws_internet_gateway", "aws_vpc_endpoint"}
    assert not owned & stack.json["resource"].keys()
    assert stack.one("aws_lb")["subnets"] == ["subnet-3", "subnet-4"]
    for _, group in stack.resources("aws_autoscaling_group"):
        assert group["vpc_zone_identifier"] == ["subnet-1", "subnet-2"]


def test_models_use_their_zones_only(synth: Synth) -> None:
    """A model in fewer zones than the environment stays in them."""
    narrow = model(instances={"types": ["g5.xlarge"], "zones": ["eu-west-1b"]})
    stack = synth(environment({"wide": model(), "narrow": narrow}))
    groups = dict(stack.resources("aws_autoscaling_group"))
    subnets = groups["aws_autoscaling_group.model_narrow_blue_spot_group"]["vpc_zone_identifier"]
    assert subnets == ["${aws_subnet.network_private_eu-west-1b.id}"]


def test_state_is_locked(variant: Stack, spec: Environment) -> None:
    """By a file beside it. Its bucket is the account's; without one in the file `terraform init` is told."""
    account, region = spec.provider.account, spec.provider.region
    assert variant.json["terraform"]["backend"]["s3"] == {
        **({"bucket": names.state_bucket(account, region)} if account else {}),
        "key": f"{spec.environment}/terraform.tfstate",
        "region": spec.provider.region,
        "encrypt": True,
        "use_lockfile": True,
    }


def test_account_is_a_guard(variant: Stack, spec: Environment) -> None:
    """With an account in the file, credentials of any other are refused by the provider itself."""
    (provider,) = variant.json["provider"]["aws"]
    account = spec.provider.account
    assert provider.get("allowed_account_ids") == ([account] if account else None)


def test_outputs(variant: Stack) -> None:
    """The outputs have the names that others read them by."""
    assert variant.json["output"].keys() == {"endpoint", "balancer_dns", "runtime_table", "environment"}


def test_the_file_is_on_record(variant: Stack) -> None:
    """What is applied says what it was made of: a plan compares the file with it."""
    record = variant.json["output"]["environment"]["value"]
    assert decoded(record.replace("$${", "${").replace("%%{", "%{")) == variant.spec


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ({}, "http://${aws_lb.balancer_alb.dns_name}"),
        ({"port": 8080}, "http://${aws_lb.balancer_alb.dns_name}:8080"),
        ({"domain": "llm.example.com"}, "https://llm.example.com"),
        ({"domain": "llm.example.com", "port": 8443}, "https://llm.example.com:8443"),
    ],
)
def test_endpoint(endpoint: dict[str, object], url: str, synth: Synth) -> None:
    """The endpoint names its port only where it isn't the scheme's."""
    stack = synth(environment(endpoint={"allow_cidrs": ["10.0.0.0/8"], **endpoint}))
    assert stack.json["output"]["endpoint"]["value"] == url


def test_default_hosted_zone_is_the_parent(synth: Synth) -> None:
    """A domain's records go into its parent's zone unless the file names another."""
    stack = synth(VARIANTS["custom-port"])
    assert stack.json["data"]["aws_route53_zone"]["balancer_domain_zone"]["name"] == "example.com"


def test_agent_is_a_versioned_asset(synth: Synth) -> None:
    """The zip lies beside the configuration, under a relative path, and user data names its version."""
    stack = synth(environment())
    uploaded = stack.one("aws_s3_object")
    assert (stack.folder / uploaded["source"]).read_bytes() == b"the agent"
    assert uploaded["key"] == "agent.zip"
    (text,) = stack.user_data()
    assert '--version-id "${aws_s3_object.artefacts_agent.version_id}"' in text
    assert uploaded["source_hash"] in text


def test_user_data_keeps_shell_variables(synth: Synth) -> None:
    """Terraform fills in what is its own and leaves the shell's ${...} to the shell."""
    (text,) = synth(environment()).json["locals"].values()
    assert 'folder="$${INSTANCE_ROOT}/opt/llmctl"' in text
    assert '--bucket "${aws_s3_bucket.artefacts_bucket.id}"' in text
