"""Security defaults, in every variant of an environment."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from infra.agent.config import ENGINE_PORT, METRICS_PORT
from infra.environment.model import Environment
from tests.synth.synthesis import Stack, environment, model

_FUNCTIONS = {"guardian", "waker", "watchdog"}
"""Their policies have tests of their own."""


def test_metadata_is_version_2_only(variant: Stack) -> None:
    """A request forged through the engine can't read the instance's credentials."""
    for address, arguments in variant.resources("aws_launch_template"):
        options = arguments["metadata_options"]
        assert (options["http_tokens"], options["http_put_response_hop_limit"]) == ("required", 1), address
        assert options["instance_metadata_tags"] == "enabled", address


def test_volumes_are_encrypted(variant: Stack) -> None:
    """The root volume, under the name that the image gives it, is encrypted and goes with the instance."""
    for address, arguments in variant.resources("aws_launch_template"):
        (device,) = arguments["block_device_mappings"]
        assert device["device_name"].endswith(".root_device_name}"), address
        disk = device["ebs"]
        assert (disk["encrypted"], disk["volume_type"]) == ("true", "gp3"), address
        assert disk["delete_on_termination"] == "true", address


def test_nobody_gets_in_but_through_the_listener(variant: Stack, spec: Environment) -> None:
    """Ranges are let in to the balancer, as the file says and on its ports only; engines hear only it.

    A Prometheus that the file names reads the agents' metrics, and nothing else.
    """
    ranges: set[str] = set()
    for address, rule in variant.resources("aws_vpc_security_group_ingress_rule"):
        assert (rule["ip_protocol"], rule["from_port"]) == ("tcp", rule["to_port"]), address
        if rule.get("description") == "Prometheus":
            assert rule["security_group_id"] == "${aws_security_group.firewall_instances.id}", address
            assert rule["from_port"] == METRICS_PORT, address
            assert rule["cidr_ipv4"] in spec.monitoring.scrape_from, address
        elif "cidr_ipv4" in rule:
            assert rule["security_group_id"] == "${aws_security_group.firewall_balancer.id}", address
            assert rule["from_port"] in {spec.endpoint.listener_port, 80}, address
            ranges.add(rule["cidr_ipv4"])
        elif rule["security_group_id"] == "${aws_security_group.firewall_instances.id}":
            assert rule["from_port"] == ENGINE_PORT, address
            assert rule["referenced_security_group_id"] == "${aws_security_group.firewall_balancer.id}"
        else:
            assert rule["referenced_security_group_id"] == "${aws_security_group.firewall_instances.id}"
    assert ranges == set(spec.endpoint.allow_cidrs)


def test_security_groups_have_no_rules_inside(variant: Stack) -> None:
    """Rules in two places would undo each other."""
    for address, arguments in variant.resources("aws_security_group"):
        assert not {"ingress", "egress"} & arguments.keys(), address


def test_instances_have_no_public_address(variant: Stack) -> None:
    """No subnet gives one out, and groups are in private subnets."""
    for address, arguments in variant.resources("aws_subnet"):
        assert arguments["map_public_ip_on_launch"] is False, address
    for address, arguments in variant.resources("aws_autoscaling_group"):
        assert not [each for each in arguments["vpc_zone_identifier"] if "public" in each], address


def test_bucket_is_closed(variant: Stack) -> None:
    """Encrypted, versioned, not public, and only over TLS."""
    buckets = [f"${{{address}.id}}" for address, _ in variant.resources("aws_s3_bucket")]
    flags = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    closed = [each for _, each in variant.resources("aws_s3_bucket_public_access_block")]
    assert all(each[flag] for each in closed for flag in flags)
    encrypted = [each for _, each in variant.resources("aws_s3_bucket_server_side_encryption_configuration")]
    for each in encrypted:
        default = each["rule"][0]["apply_server_side_encryption_by_default"]
        assert default["sse_algorithm"] == "AES256"
    policies = [each for _, each in variant.resources("aws_s3_bucket_policy")]
    for each in policies:
        tls = json.loads(each["policy"])["Statement"][0]
        assert (tls["Effect"], tls["Action"]) == ("Deny", "s3:*")
        assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    for guards in (closed, encrypted, policies):
        assert sorted(each["bucket"] for each in guards) == sorted(buckets)
    assert variant.one("aws_s3_bucket_versioning")["versioning_configuration"]["status"] == "Enabled"


def test_samples_exist_only_where_they_are_asked_for(variant: Stack, spec: Environment) -> None:
    """Without `capture` no bucket, no reader, no word of it on an instance; with it, for its models only."""
    captured = {name for name, each in spec.models.items() if each.capture}
    places = [address for address, _ in variant.resources("aws_s3_bucket") if "samples" in address]
    assert bool(places) is bool(captured)
    told = [text for text in variant.user_data() if '"capture":{' in text]
    assert len(told) == len(captured)
    if captured:
        assert all('"bucket":"${aws_s3_bucket.samples_bucket.id}"' in text for text in told)
        write = variant.json["resource"]["aws_iam_role_policy"]["samples_write"]
        (statement,) = json.loads(write["policy"])["Statement"]
        assert statement["Action"] == ["s3:PutObject"]
        bucket = "${aws_s3_bucket.samples_bucket.arn}"
        assert set(statement["Resource"]) == {f"{bucket}/model={name}/*" for name in captured}


def test_only_the_reader_reads_samples(synth: Callable[[Environment], Stack]) -> None:
    """The bucket refuses everyone else the content; samples expire; a protected bucket is not emptied."""
    spec = environment(models={"a": model(capture={"rate": 1.0, "retention_days": 7})}, protect=True)
    stack = synth(spec)
    resources = stack.json["resource"]
    _, read = json.loads(resources["aws_s3_bucket_policy"]["samples_policy"]["policy"])["Statement"]
    assert (read["Effect"], read["Principal"]) == ("Deny", "*")
    assert "s3:GetObject" in read["Action"]
    assert read["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": "${aws_iam_role.samples_reader.arn}"}}
    assert resources["aws_iam_role"]["samples_reader"]["name"] == "llmctl-test-samples"
    rules = resources["aws_s3_bucket_lifecycle_configuration"]["samples_retention"]["rule"]
    assert [(each["filter"][0]["prefix"], each["expiration"][0]["days"]) for each in rules] == [
        ("model=a/", 7),
        ("", 7),
    ]
    assert resources["aws_s3_bucket"]["samples_bucket"]["force_destroy"] is False


def test_table_can_be_recovered(variant: Stack, spec: Environment) -> None:
    """Encrypted, restorable to any point in time, and undeletable where the environment is protected."""
    table = variant.one("aws_dynamodb_table")
    assert table["point_in_time_recovery"]["enabled"]
    assert table["server_side_encryption"]["enabled"]
    assert table["deletion_protection_enabled"] is spec.protect


def test_balancer_follows_protection(variant: Stack, spec: Environment) -> None:
    """A protected environment's balancer can't be deleted; every balancer drops malformed headers."""
    balancer = variant.one("aws_lb")
    assert balancer["enable_deletion_protection"] is spec.protect
    assert balancer["drop_invalid_header_fields"] is True


def test_domains_speak_tls(variant: Stack, spec: Environment) -> None:
    """With a domain no model is reachable in the clear: port 80 only redirects."""
    listeners = {each["port"]: each for _, each in variant.resources("aws_lb_listener")}
    main = listeners.pop(spec.endpoint.listener_port)
    if spec.endpoint.domain:
        assert (main["protocol"], main["ssl_policy"]) == ("HTTPS", "ELBSecurityPolicy-TLS13-1-2-2021-06")
        assert listeners[80]["default_action"][0]["type"] == "redirect"
        assert listeners[80]["default_action"][0]["redirect"]["port"] == str(spec.endpoint.listener_port)
    else:
        assert main["protocol"] == "HTTP"
        assert not listeners
    for _, rule in variant.resources("aws_lb_listener_rule"):
        assert rule["listener_arn"] == "${aws_lb_listener.balancer_listener.arn}"


def test_secrets_have_no_value(variant: Stack, spec: Environment) -> None:
    """Terraform makes the container of the key, only if there is one, and never what is in it."""
    assert "aws_secretsmanager_secret_version" not in variant.json["resource"]
    secrets = list(variant.resources("aws_secretsmanager_secret"))
    assert len(secrets) == (spec.endpoint.auth == "api-key")
    for _, secret in secrets:
        assert secret["recovery_window_in_days"] == (30 if spec.protect else 0)


def test_role_allows_nothing_broad(variant: Stack) -> None:
    """No action has a wildcard; only what AWS can't narrow is allowed on everything."""
    login = {"ecr:GetAuthorizationToken"}
    for statement in _statements(variant):
        assert not [action for action in statement["Action"] if "*" in action]
        if "*" in statement["Resource"]:
            actions = set(statement["Action"])
            assert actions in (login, {"cloudwatch:PutMetricData"}) or all(
                _only_reads(action) for action in actions
            )


def _only_reads(action: str) -> bool:
    return action.partition(":")[2].startswith(("Describe", "GetMetric"))


def test_what_is_found_by_wildcard_is_held_by_a_tag(variant: Stack, spec: Environment) -> None:
    """Hooks and target groups of another environment stay out of reach, though names start alike."""
    tag = {"StringEquals": {"aws:ResourceTag/llmctl:environment": spec.environment}}
    held = [each for each in _statements(variant) if each["Sid"] in ("Hooks", "Leave")]
    assert [each["Condition"] for each in held] == [tag, tag]


def test_agent_writes_its_own_keys_only(variant: Stack) -> None:
    """An instance can't say which slot is live."""
    (report,) = [each for each in _statements(variant) if each["Sid"] == "Report"]
    keys = report["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
    assert keys == ["replica", "event"]


def test_weights_are_read_by_prefix(variant: Stack, spec: Environment) -> None:
    """Models with weights in S3 may read their prefix, without what merely starts like it; others nothing."""
    given = {each["name"]: each for _, each in variant.resources("aws_iam_role_policy")}
    sources = {
        f"weights-{name}": each.source.removeprefix("s3://").rstrip("/")
        for name, each in spec.models.items()
        if each.source.startswith("s3://")
    }
    others = {name for name in given if not name.startswith(("image-", "samples")) and name not in _FUNCTIONS}
    assert others == {"agent", *sources}
    for name, place in sources.items():
        (_, read) = json.loads(given[name]["policy"])["Statement"]
        assert read["Resource"] == [f"arn:aws:s3:::{place}", f"arn:aws:s3:::{place}/*"]


def test_images_in_ecr_are_pulled_by_name(variant: Stack, spec: Environment) -> None:
    """ECR gives nothing to an instance that may not log in and pull; other repositories stay out of reach."""
    given = {
        each["name"]: json.loads(each["policy"])["Statement"][1]["Resource"]
        for _, each in variant.resources("aws_iam_role_policy")
        if each["name"].startswith("image-")
    }
    images = {name: each.engine.image for name, each in spec.models.items() if each.engine.image}
    assert given.keys() == {f"image-{name}" for name in images}
    for name, image in images.items():
        path = image.partition("/")[2]
        assert given[f"image-{name}"] == [f"arn:aws:ecr:eu-west-1:123456789012:repository/{path}"]


def test_user_data_carries_no_key(variant: Stack) -> None:
    """The key goes to engines by the name of its secret; no argument or environment variable has it."""
    for text in variant.user_data():
        assert not re.search(r'"--?api-key"', text)


def _statements(stack: Stack) -> Iterator[dict[str, Any]]:
    for _, policy in stack.resources("aws_iam_role_policy"):
        yield from json.loads(policy["policy"])["Statement"]


def test_other_parts_of_aws_have_arns_of_their_own(synth: Callable[[Environment], Stack]) -> None:
    """A policy with a wrong partition allows nothing: no alarm could publish, no model could be woken."""
    region = "us-gov-west-1"
    zones = [f"{region}a", f"{region}b"]
    instances = {"types": ["g5.xlarge"], "zones": zones}
    nap = {"min": 0, "max": 2, "sleep_after": "5m"}
    chat = model(instances=instances, replicas=nap, source="s3://weights/chat", capture={"rate": 0.1})
    stack = synth(environment({"chat": chat}, provider={"name": "aws", "region": region}))
    assert "arn:aws-us-gov:" in stack.text
    assert "arn:aws:" not in stack.text
