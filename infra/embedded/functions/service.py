"""Functions as a part of the cloud: their workers, their schedules, and load balancers' way to them."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.embedded.aws import events, functions, views
from infra.embedded.aws.views import FUNCTION_PORT, Function
from infra.embedded.compute.credentials import credentials
from infra.embedded.functions.functions import Functions, Outcome
from infra.embedded.functions.web import FunctionTargets
from infra.embedded.loop import LoopThread
from infra.embedded.processes import CLOUD_MARK


class FunctionService:
    """All that runs functions. `reconcile` belongs to the main thread, whose end is the workers' end."""

    def __init__(self, directory: Path, loop: LoopThread, address: str, api_url: str) -> None:
        self._loop = loop
        self._api_url = api_url
        self._functions = Functions(directory, views.functions, self._environment, functions.log)
        self._targets = FunctionTargets(loop, address, FUNCTION_PORT, self._functions, functions.target)
        functions.set_invoke(self._invoke)

    def reconcile(self, now: float) -> None:
        """Make workers match functions, and run what is due at `now` (epoch seconds)."""
        self._functions.reconcile(now)
        events.run_schedules(now)

    def stop(self) -> None:
        """Take no more requests and end the workers."""
        functions.set_invoke(None)
        self._targets.stop()
        self._functions.stop()

    def _invoke(self, arn: str, event: Any, finish: Callable[[Outcome], None]) -> None:
        async def run() -> None:
            outcome = await self._functions.invoke(arn, event)
            await asyncio.to_thread(finish, outcome)  # it waits for the lock of the AWS side

        self._loop.start(run())

    def _environment(self, function: Function) -> Mapping[str, str]:
        keys = credentials(function.arn, 0.0)
        return {
            CLOUD_MARK: os.environ.get(CLOUD_MARK, ""),
            "PATH": os.defpath,
            "AWS_ENDPOINT_URL": self._api_url,
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["Token"],
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
            "NO_PROXY": "*",
            "no_proxy": "*",
        }
