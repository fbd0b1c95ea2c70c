"""The rules of a model: which requests are its own, how they are split, and how to reach one slot alone.

The split starts at blue 100, green 0; a model that may sleep starts asleep, its requests going to the waker.
From then on the split is the runtime's, and Terraform leaves it alone. The ways to one slot never change.
"""

from constructs import Construct

from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Slot
from modules.bindings.aws.lb_listener import LbListener
from modules.bindings.aws.lb_listener_rule import Condition, LbListenerRule
from modules.bindings.aws.lb_target_group import LbTargetGroup
from modules.tags import model_tags

RUNTIME_OWNED = ("action",)


class ModelRule(Construct):
    """The listener rule."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        model: str,
        listener: LbListener,
        blue: LbTargetGroup,
        green: LbTargetGroup,
        waker: LbTargetGroup | None = None,
    ) -> None:
        super().__init__(scope, id_)
        weights = [(blue, 0 if waker else 100), (green, 0)] + ([(waker, 100)] if waker else [])
        self.rule = LbListenerRule(
            self,
            "listener",
            listener_arn=listener.arn,
            priority=names.rule_priority(environment, model),
            condition=[condition(environment, model)],
            action=[
                {
                    "type": "forward",
                    "forward": {
                        "target_group": [{"arn": group.arn, "weight": weight} for group, weight in weights]
                    },
                }
            ],
            tags={**model_tags(model), "Name": f"{names.stack(environment.environment)}-{model}"},
            lifecycle={"ignore_changes": RUNTIME_OWNED},
        )


class SlotRule(Construct):
    """The listener rule for requests that ask for one slot by a header, whatever the weights.

    So golden prompts reach each release of a rollout. It asks for neither host nor path: the header's value
    names the model too.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: Environment,
        model: str,
        slot: Slot,
        listener: LbListener,
        target_group: LbTargetGroup,
    ) -> None:
        super().__init__(scope, id_)
        header = names.slot_header(model, slot)
        LbListenerRule(
            self,
            "listener",
            listener_arn=listener.arn,
            priority=names.rule_priority(environment, model, slot),
            condition=[{"http_header": {"http_header_name": names.SLOT_HEADER, "values": [header]}}],
            action=[{"type": "forward", "target_group_arn": target_group.arn}],
            tags={
                **model_tags(model, slot),
                "Name": f"{names.stack(environment.environment)}-{model}-{slot}",
            },
        )


def condition(environment: Environment, model: str) -> Condition:
    """Which requests are the model's: everything, for the default one; else those for its host or path."""
    if model == environment.default_model:
        return {"path_pattern": {"values": ["/*"]}}
    if environment.endpoint.domain:
        return {"host_header": {"values": [f"{model}.{environment.endpoint.domain}"]}}
    return {"path_pattern": {"values": [f"/{model}/*"]}}
