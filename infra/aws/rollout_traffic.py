"""A model's weights at the load balancer, for the driver of its rollout."""

from collections.abc import Mapping

from infra.aws.listener_rule import ListenerRule, RuleMissingError
from infra.aws.session import Session, translated
from infra.environment import names
from infra.environment.slots import Slot
from infra.errors import LlmctlError


class RuleTraffic:
    """Implements `infra.rollout.ports.Traffic` with the model's listener rule."""

    def __init__(self, session: Session, environment: str, model: str) -> None:
        self._model = model
        self._slots = {names.target_group(environment, model, slot): slot for slot in Slot}
        self._rule = ListenerRule(session.bounded.elbv2, names.balancer(environment), self._slots)

    def weights(self) -> Mapping[Slot, int]:
        """Both slots' weights; both 0 while the requests go to the waker."""
        with translated(f"reading the weights of {self._model}"):
            try:
                found = self._rule.weights()
            except RuleMissingError as error:
                raise self._missing(error) from error
        return {slot: found[name] for name, slot in self._slots.items()}

    def set_weights(self, weights: Mapping[Slot, int]) -> None:
        """Set both slots' weights; raises `LlmctlError` (outcome unknown) when AWS doesn't answer."""
        by_name = {name: weights.get(slot, 0) for name, slot in self._slots.items()}
        with translated(f"setting the weights of {self._model}", changes=True):
            try:
                self._rule.set_weights(by_name)
            except RuleMissingError as error:
                raise self._missing(error) from error

    def _missing(self, error: RuleMissingError) -> LlmctlError:
        return LlmctlError(
            f"{self._model}: {error}", hint="`llmctl deploy` puts the rule back; then `llmctl resume`"
        )
