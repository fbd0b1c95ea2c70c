"""Rules where the broken files are not enough: the boundaries, and what must be accepted."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.environment.builders import examined, messages


@pytest.mark.parametrize(
    "changes",
    [
        (("network/cidr", "10.0.0.0/16"),),
        (("network/cidr", "192.168.0.0/20"),),
        (("network/cidr", "100.64.0.0/18"),),
        (
            ("network/cidr", None),
            ("network/vpc_id", "vpc-1"),
            ("network/private_subnets", ["subnet-1"]),
            ("network/public_subnets", ["subnet-2", "subnet-3"]),
        ),
        (("endpoint/allow_cidrs", ["0.0.0.0/0"]),),
        (("endpoint/domain", "llm.example.com"), ("endpoint/hosted_zone", "example.com")),
        (("models/chat/rollout", {"steps": [100]}),),
        (("monitoring", {"interval": "12s", "notify": ["a@b.example", "https://hooks.example.com/x"]}),),
        (
            ("monitoring", {"budget": 10}),
            ("models/chat/instances/price", {"on_demand": 1.2, "spot": 0.4}),
        ),
        (
            ("provider/name", "embedded"),
            ("monitoring", {"interval": "5s", "notify": ["http://127.0.0.1:9000/alarms"]}),
        ),
        (("models/chat/engine/env", {"SIMULATOR_TIME_PER_TOKEN": "0.02"}),),
        (("models/chat/scaling", {"metric": "tokens_per_second", "target": 400}),),
        (("models/chat/scaling", {"expression": "MAX([in_flight, 2 * queued]) / replicas", "target": 4}),),
        (
            ("models/chat/engine", {"name": "openai", "version": "1", "image": "own/chat"}),
            ("endpoint/auth", "none"),
            ("models/chat/scaling", {"expression": "requests / replicas", "target": 60}),
        ),
        (("models/chat/replicas", {"min": 0, "max": 2, "sleep_after": "15m"}),),
        (
            (
                "models/chat/replicas",
                {
                    "min": 1,
                    "max": 6,
                    "schedule": [
                        {"cron": "0 8 * * MON-FRI", "min": 4, "timezone": "Europe/Berlin"},
                        {"cron": "0 18 * * mon-fri", "min": 2, "timezone": "Europe/Berlin"},
                        {"cron": "0 0 29 2 *", "min": 6},
                        {"cron": "*/20 3 1,15 JAN-MAR *", "min": 3},
                    ],
                },
            ),
            ("models/chat/scaling", {"target": 60}),
        ),
        (("models/chat/replicas", {"min": 3, "max": 3}), ("models/chat/spot", {"on_demand_base": 3})),
        (("models/chat/routing", {"deregistration_delay": "60m"}),),
        (("models/chat/engine/env", {"TOKENIZERS_PARALLELISM": "false", "MAX_TOKENS": "12"}),),
        (("models/chat/engine/args", {"long-prefill-token-threshold": 512}),),
        (("models/chat/engine/image", "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm"),),
        (("tags", {"team": "search", "cost-center": "a/b c+d=e@f", "a:b": ""}),),
        (
            ("endpoint/auth", "none"),
            ("models/chat/engine", {"name": "sglang", "version": "v0.5.0"}),
        ),
        (
            (
                "models/chat/engine",
                {"name": "openai", "version": "1", "image": "own/chat", "env": {"MY_KEY": "${api-key}"}},
            ),
        ),
    ],
)
def test_these_are_right(tmp_path: Path, changes: tuple[tuple[str, Any], ...]) -> None:
    """A check refuses nothing that would work."""
    assert messages(tmp_path, *changes) == []


def test_a_reference_without_a_key_is_refused(tmp_path: Path) -> None:
    """With auth: none there is no key for a variable to get."""
    found = messages(
        tmp_path,
        ("endpoint/auth", "none"),
        (
            "models/chat/engine",
            {"name": "openai", "version": "1", "image": "own/chat", "env": {"MY_KEY": "${api-key}"}},
        ),
    )
    assert found == ["models.chat.engine.env.MY_KEY: MY_KEY can't get the key"]


def test_a_simulator_serves_below_a_path(tmp_path: Path) -> None:
    """Two models without a domain work when the engine answers below a path."""
    other = {
        "source": "file:///none",
        "engine": {"name": "simulator", "version": "1"},
        "instances": {"types": ["c7i.large"], "zones": ["us-east-1a"]},
        "replicas": {"min": 1, "max": 1},
    }
    assert messages(tmp_path, ("models/other", other)) == []


def test_llama_cpp_serves_below_a_path_without_a_key(tmp_path: Path) -> None:
    """Its health path is only closed where a key is demanded."""
    other = {
        "source": "s3://models/chat.gguf",
        "engine": {"name": "llama.cpp", "version": "b1"},
        "instances": {"types": ["c7i.large"], "zones": ["us-east-1a"]},
        "replicas": {"min": 1, "max": 1},
    }
    assert messages(tmp_path, ("models/other", other), ("endpoint/auth", "none")) == []
    assert messages(tmp_path, ("models/other", other)) == [
        "models.other.engine.name: llama.cpp can't serve other below a path"
    ]


def advice(folder: Path, *changes: tuple[str, Any]) -> list[str]:
    """The advice for a changed environment, which is valid."""
    found = examined(folder, *changes)
    assert found.problems == ()
    return [f"{each.where}: {each.what}" for each in found.advice]


def test_a_good_file_needs_no_advice(tmp_path: Path) -> None:
    """Advice that everybody gets is noise."""
    assert advice(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("models/chat/source", "hf://Qwen/Qwen2.5-7B-Instruct"), "the revision isn't pinned"),
        (("models/chat/source", "hf://Qwen/Qwen2.5-7B-Instruct@main"), "the revision isn't pinned"),
        (("models/chat/engine/version", "latest"), "latest changes by itself"),
        (("models/chat/instances/types", ["g5.2xlarge"]), "there is one type to buy on the spot market"),
        (("models/chat/replicas/max", 5), "nothing scales the model"),
    ],
)
def test_advice(tmp_path: Path, change: tuple[str, Any], expected: str) -> None:
    """What works but not for long is said, without refusing the file."""
    assert [each.partition(": ")[2] for each in advice(tmp_path, change)] == [expected]
    assert examined(tmp_path, change).environment is not None


def test_a_protected_environment_wants_two_replicas(tmp_path: Path) -> None:
    """One replica is an outage at every interruption."""
    one = ("models/chat/replicas/min", 1), ("models/chat/replicas/max", 1)
    assert advice(tmp_path, ("protect", True), *one) == [
        "models.chat.replicas.min: 1 replica in a protected environment"
    ]
    assert advice(tmp_path, *one) == []


def test_a_single_zone_is_advised_against(tmp_path: Path) -> None:
    """A model in one zone shares its failures, even where another model has more zones."""
    network = (
        ("network/cidr", None),
        ("network/vpc_id", "vpc-1"),
        ("network/private_subnets", ["subnet-1"]),
        ("network/public_subnets", ["subnet-2", "subnet-3"]),
    )
    zones = ("models/chat/instances/zones", ["us-east-1a"])
    assert advice(tmp_path, *network, zones) == ["models.chat.instances.zones: all replicas are in one zone"]


def test_a_batch_that_cannot_be_full_length_is_told(tmp_path: Path) -> None:
    """Sequences that don't fit together wait: worth knowing, no error."""
    found = advice(
        tmp_path,
        ("models/chat/engine/args", {"max-model-len": 32768}),
        ("models/chat/batching", {"max_sequences": 64}),
        (
            "models/chat/architecture",
            {"parameters": 7.6e9, "layers": 28, "kv_heads": 4, "head_size": 128},
        ),
    )
    assert found == ["models.chat.batching.max_sequences: 64 sequences of full length don't fit together"]


def test_the_emulated_cloud_gets_no_advice(tmp_path: Path) -> None:
    """On one's own machine nothing is interrupted by surprise."""
    assert (
        advice(
            tmp_path,
            ("provider/name", "embedded"),
            ("models/chat/source", "hf://Qwen/Qwen2.5-7B-Instruct"),
            ("models/chat/instances/types", ["g5.2xlarge"]),
        )
        == []
    )


def test_more_models_than_rules_are_told(tmp_path: Path) -> None:
    """Each model takes three rules, and an account starts with a hundred a load balancer."""

    def models(count: int) -> dict[str, Any]:
        return {
            f"m{number}": {
                "source": "file:///none",
                "engine": {"name": "simulator", "version": "1"},
                "instances": {"types": ["c7i.large", "c6i.large"], "zones": ["us-east-1a", "us-east-1b"]},
                "replicas": {"min": 1, "max": 1},
            }
            for number in range(count)
        }

    assert advice(tmp_path, ("models", models(33))) == []
    assert advice(tmp_path, ("models", models(34))) == [
        "models.m33: 34 models need 102 rules of the load balancer"
    ]


def test_a_slow_start_goes_with_round_robin(tmp_path: Path) -> None:
    """Both ends of what the load balancer takes are accepted."""
    for allowed in ("30s", "15m"):
        routing = ("models/chat/routing", {"algorithm": "round_robin", "slow_start": allowed})
        assert messages(tmp_path, routing) == []
