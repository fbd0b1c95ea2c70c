"""Environments for tests, typed."""

from infra.environment.model import (
    Endpoint,
    Engine,
    Environment,
    Instances,
    Model,
    Network,
    Provider,
    Replicas,
    Spot,
)


def model(**changes: object) -> Model:
    """A model of three replicas, one of them on demand, and an extra one; arguments replace sections."""
    sections: dict[str, object] = {
        "source": "hf://org/model",
        "engine": Engine(name="vllm", version="0.11.0"),
        "instances": Instances(types=("g5.xlarge", "g6.xlarge"), zones=("us-east-1a", "us-east-1b")),
        "replicas": Replicas(min=3, max=5),
        "spot": Spot(on_demand_base=1, overprovision=1),
    }
    return Model(**{**sections, **changes})  # type: ignore[arg-type]


def two_models(name: str = "test") -> Environment:
    """`chat` and `french`."""
    return Environment(
        environment=name,
        provider=Provider(name="aws", region="us-east-1"),
        network=Network(cidr="10.0.0.0/16"),
        endpoint=Endpoint(allow_cidrs=("10.0.0.0/8",)),
        models={"chat": model(), "french": model()},
    )
