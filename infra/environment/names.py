"""What things are called in AWS.

Terraform creates under these names and the runtime finds things by them, so that neither needs the other's
outputs. Changing one renames (that is: replaces) resources. Every function is pure.
"""

import hashlib
from typing import TYPE_CHECKING

from infra.environment.slots import Market, Slot

if TYPE_CHECKING:
    from infra.environment.model import Environment

TAG_ENVIRONMENT = "llmctl:environment"
TAG_MODEL = "llmctl:model"
TAG_SLOT = "llmctl:slot"
TAG_MARKET = "llmctl:market"
TAG_CHAOS = "llmctl:chaos"

LAUNCH_HOOK = "engine-healthy"
TERMINATE_HOOK = "drained"

_BALANCER_LIMIT = 32
_ORDERS = 16_000
_LAST_ORDER = 16_665
"""Three times this and two are 49,997: a load balancer has priorities up to 50,000."""
_RULES = (Slot.BLUE, Slot.GREEN, None)

SLOT_HEADER = "x-llmctl-slot"
"""A request with this header goes straight to a slot, whatever the weights: see `slot_header`."""


def stack(environment: str) -> str:
    """Prefix of everything in an environment; also the name of its runtime table and instance role."""
    return f"llmctl-{environment}"


runtime_table = stack


def balancer(environment: str) -> str:
    """Name of the load balancer."""
    return fit(stack(environment), _BALANCER_LIMIT)


def target_group(environment: str, model: str, slot: Slot) -> str:
    """Name of a slot's target group."""
    return fit(f"{environment}-{model}-{slot}", _BALANCER_LIMIT)


def waker(environment: str) -> str:
    """Name of the function that wakes sleeping models, and of its role and schedule."""
    return f"{stack(environment)}-waker"


def waker_target_group(environment: str, model: str) -> str:
    """Name of the target group through which a sleeping model's requests reach the waker."""
    return fit(f"{environment}-{model}-waker", _BALANCER_LIMIT)


def slot_header(model: str, slot: Slot) -> str:
    """Value of `SLOT_HEADER` that leads to one slot of a model."""
    return f"{model}/{slot}"


def watchdog(environment: str) -> str:
    """Name of the function that ends rollouts whose driver is gone, and of its role and schedule."""
    return f"{stack(environment)}-watchdog"


def guardian(environment: str) -> str:
    """Name of the function that replaces missing spot replicas on demand, and of its role and rules."""
    return f"{stack(environment)}-guardian"


def experiments(environment: str) -> str:
    """Name of the role of the environment's fault injection experiments."""
    return f"{stack(environment)}-experiments"


def launch_template(environment: str, model: str) -> str:
    """Name of the launch template whose versions are the model's releases."""
    return f"{stack(environment)}-{model}"


def group(environment: str, model: str, slot: Slot, market: Market) -> str:
    """Name of one of a slot's two autoscaling groups."""
    return f"{stack(environment)}-{model}-{slot}-{market}"


def log_group(environment: str, model: str) -> str:
    """CloudWatch log group of a model's engines and agents."""
    return f"/llmctl/{environment}/{model}"


def alarm(environment: str, model: str | None, kind: str) -> str:
    """Name of an alarm of a model, or of the whole environment."""
    return "-".join(part for part in (stack(environment), model, kind) if part)


def dashboard(environment: str, model: str | None = None) -> str:
    """Name of the environment's CloudWatch dashboard, or of a model's."""
    return "-".join(part for part in (stack(environment), model) if part)


topic = stack
"""SNS topic that alarms notify."""


def samples_bucket(account: str, environment: str, region: str) -> str:
    """Bucket of captured requests and answers."""
    return fit(f"{stack(environment)}-samples-{account}-{region}", 63)


def samples_prefix(model: str) -> str:
    """Start of the keys of a model's samples."""
    return f"model={model}/"


def samples_role(environment: str) -> str:
    """The one role that may read samples."""
    return f"{stack(environment)}-samples"


def api_key_secret(environment: str) -> str:
    """Secrets Manager secret that holds the endpoint's API key."""
    return f"llmctl/{environment}/api-key"


def state_bucket(account: str, region: str) -> str:
    """Bucket of the Terraform state, one for each account and region."""
    return f"llmctl-state-{account}-{region}"


def state_key(environment: str) -> str:
    """Object of an environment's Terraform state."""
    return f"{environment}/terraform.tfstate"


def lifetime_key(environment: str) -> str:
    """Object beside the state that tells until when an environment may live."""
    return f"{environment}/lifetime.json"


def artefact_bucket(account: str, environment: str, region: str) -> str:
    """Bucket of what instances download: the agent."""
    return fit(f"{stack(environment)}-{account}-{region}", 63)


def rule_order(environment: "Environment", model: str) -> int:
    """Place of a model's rules among those of the others: the configured one, else derived from its name.

    It depends on no other model, so adding or removing a model never renumbers a rule. The default model's
    rules match everything and come last.
    """
    configured = environment.models[model].routing.priority
    if configured is not None:
        return configured
    if model == environment.default_model:
        return _LAST_ORDER
    return 1 + int(hashlib.sha256(model.encode()).hexdigest(), 16) % _ORDERS


def rule_priority(environment: "Environment", model: str, slot: Slot | None = None) -> int:
    """Priority of a model's listener rule, or of the rule that leads straight to one of its slots."""
    # The model's own would take the requests of the other two if it came first.
    return rule_order(environment, model) * len(_RULES) + _RULES.index(slot)


def fit(name: str, limit: int) -> str:
    """The name itself, or its start with a digest when it is longer than the service allows."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: limit - 7].rstrip('-')}-{digest}"
