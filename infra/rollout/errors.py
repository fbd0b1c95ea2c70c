"""How driving a rollout can fail. The texts are for people; the types are for the driver."""

from infra.errors import ExitCode, LlmctlError


class HeldError(LlmctlError):
    """Somebody else drives this rollout."""

    def __init__(self, model: str, holder: str, seconds: float) -> None:
        super().__init__(
            f"{model}: {holder} drives this rollout (its lease runs for another {max(seconds, 0):.0f} s)",
            hint="`llmctl rollout status -w` follows it; `pause`, `promote` and `abort` are passed on to it",
            code=ExitCode.CONFLICT,
        )
        self.holder = holder


class LeaseLostError(LlmctlError):
    """Another driver took over: this one must not change anything any more."""

    def __init__(self, model: str) -> None:
        super().__init__(
            f"{model}: another driver took over this rollout, so this one stopped before its next change",
            hint="`llmctl rollout status` says who drives it now",
            code=ExitCode.CONFLICT,
        )
