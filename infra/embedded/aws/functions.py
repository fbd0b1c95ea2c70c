"""Lambda: moto keeps functions and runs none here; `invoke` is handed to whoever runs processes."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from moto.awslambda_simple.models import LambdaSimpleBackend, lambda_simple_backends
from moto.elbv2.models import elbv2_backends
from moto.logs.models import logs_backends

from infra.embedded import aws
from infra.embedded.aws import NotEmulatedError, views
from infra.embedded.aws.patching import override


class Outcome(Protocol):
    """How an invocation ended."""

    @property
    def payload(self) -> Any:
        """What the handler returned, or Lambda's description of an error."""

    @property
    def failed(self) -> bool:
        """Whether the function failed."""


Invoke = Callable[[str, Any, Callable[[Outcome], None]], None]
"""(function's ARN, event, what to do with the outcome): returns at once."""

_invoke: list[Invoke] = []
_turn = threading.Condition(aws.lock)


def install() -> None:
    """Put the fix into moto."""
    override(LambdaSimpleBackend, "invoke", _backend_invoke)


def set_invoke(invoke: Invoke | None) -> None:
    """Let `invoke` run functions; None: invoking is refused."""
    with aws.lock:
        _invoke[:] = [invoke] if invoke else []


def start(arn: str, event: Any) -> None:
    """Invoke a function and forget about it, as an event does."""
    with aws.lock:
        if _invoke:
            _invoke[0](arn, event, lambda outcome: None)


def start_with_input(target: dict[str, Any], event: Any) -> None:
    """Invoke the function of a rule's target with the event, or with the input that the target names."""
    start(target["Arn"], json.loads(target["Input"]) if "Input" in target else event)


def view_functions() -> tuple[views.Function, ...]:
    """All functions of all accounts and regions that are made of a zip."""
    with aws.lock:
        return tuple(
            _view(function)
            for regions in lambda_simple_backends.values()
            for backend in regions.values()
            for function in backend._lambdas.latest()
            if function.package_type == "Zip"
        )


def target(target_group: str) -> str | None:
    """ARN of the function that is registered with a target group."""
    with aws.lock:
        for regions in elbv2_backends.values():
            for backend in regions.values():
                if group := backend.target_groups.get(target_group):
                    return next(iter(group.targets), None)
    return None


def log(function: views.Function, text: str) -> None:
    """Write what a function said to its log group, which is created as Lambda does."""
    with aws.lock:
        backend = logs_backends[function.account][function.region]
        group, stream = f"/aws/lambda/{function.name}", "embedded"
        if group not in backend.groups:
            backend.create_log_group(group, {})
        if stream not in backend.groups[group].streams:
            backend.create_log_stream(group, stream)
        event = {"timestamp": int(time.time() * 1000), "message": text.rstrip("\n")}
        backend.put_log_events(group, stream, [event])


def _view(function: Any) -> views.Function:
    return views.Function(
        arn=function.function_arn,
        name=function.function_name,
        account=function.account_id,
        region=function.region,
        handler=function.handler,
        environment={str(name): str(value) for name, value in function.environment_vars.items()},
        timeout=float(function.timeout),
        memory=int(function.memory_size),
        code=function.code_bytes,
    )


def _backend_invoke(
    self: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
) -> bytes:
    arn = self.get_function(function_name, qualifier).function_arn
    event = json.loads(body or "{}")
    if not _invoke:
        raise NotEmulatedError("nothing here runs functions")
    done: list[Outcome] = []

    def finish(outcome: Outcome) -> None:
        with _turn:
            done.append(outcome)
            _turn.notify_all()

    _invoke[0](arn, event, finish)
    if headers.get("X-Amz-Invocation-Type") == "Event":
        return b""
    # The lock is free meanwhile: the function calls this very API.
    _turn.wait_for(lambda: bool(done))
    if done[0].failed:
        response_headers["x-amz-function-error"] = "Unhandled"
    return json.dumps(done[0].payload).encode()
