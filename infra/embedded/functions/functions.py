"""Keeps a worker process for each function, and invokes it.

`reconcile` (main thread, whose end kills the workers) makes workers match the functions of the account;
`invoke` (event loop) hands an event to one. A function has one worker and handles one event at a time: AWS
would start more of them.
"""

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.embedded.aws.views import Function
from infra.embedded.functions import worker
from infra.embedded.processes import spawn

_START_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LINE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended: `payload` is what the handler returned, or Lambda's word for an error."""

    payload: Any
    failed: bool
    log: str


@dataclass
class _Worker:
    function: Function
    process: subprocess.Popen[bytes]
    socket: Path
    busy: asyncio.Lock
    condemned: bool = False
    """Its time limit ran out: to be killed and replaced."""


class Functions:
    """The workers of a cloud. `environment` gives the variables that reach the cloud's API."""

    def __init__(
        self,
        directory: Path,
        functions: Callable[[], tuple[Function, ...]],
        environment: Callable[[Function], Mapping[str, str]],
        log: Callable[[Function, str], None],
    ) -> None:
        self._directory = directory
        self._functions = functions
        self._environment = environment
        self._log = log
        self._workers: dict[str, _Worker] = {}

    def reconcile(self, now: float) -> None:
        """Start what is missing, end what is gone, changed, dead or condemned."""
        wanted = {function.arn: function for function in self._functions()}
        for arn, found in list(self._workers.items()):
            stale = wanted.get(arn) != found.function or found.condemned
            if stale or found.process.poll() is not None:
                self._end(self._workers.pop(arn))
        for arn, function in wanted.items():
            if arn not in self._workers:
                self._workers[arn] = self._start(function)

    async def invoke(self, arn: str, event: Any) -> Outcome:
        """Run the handler on an event; a function that isn't there fails as one that doesn't answer."""
        while found := await self._ready(arn):
            async with found.busy:
                if self._workers.get(arn) is not found or found.condemned:
                    continue  # its process ended while this event waited its turn: the next one takes it
                outcome = await _outcome(found, event)
            if outcome.log:
                # The log's lock may be held for long, and this loop serves others too.
                await asyncio.to_thread(self._log, found.function, outcome.log)
            return outcome
        return _failure("the function has no worker", "Runtime.ExitError", "")

    def stop(self) -> None:
        """End all workers."""
        for found in self._workers.values():
            self._end(found)
        self._workers.clear()

    async def _ready(self, arn: str) -> _Worker | None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            found = self._workers.get(arn)
            if found and not found.condemned and found.socket.exists():
                return found
            await asyncio.sleep(_POLL_SECONDS)
        return None

    def _start(self, function: Function) -> _Worker:
        folder = self._directory / function.name
        shutil.rmtree(folder, ignore_errors=True)
        code = folder / "code"
        with zipfile.ZipFile(io.BytesIO(function.code)) as archive:
            archive.extractall(code)
        path = folder / "socket"
        with (folder / "output.log").open("ab") as output:
            process = spawn(
                # No -I: the function may use boto3, as in AWS's runtime; PYTHONPATH isn't in its environment.
                (sys.executable, worker.__file__, path.name, str(code), function.handler),
                environment={**self._environment(function), **function.environment},
                directory=folder,
                output=output,
            )
        return _Worker(function, process, path, asyncio.Lock())

    def _end(self, found: _Worker) -> None:
        if found.process.poll() is None:
            found.process.kill()
            found.process.wait()


async def _outcome(found: _Worker, event: Any) -> Outcome:
    """Hand an event to a worker; one that doesn't answer properly is condemned."""
    function = found.function
    try:
        async with asyncio.timeout(function.timeout):
            answer = await _exchange(found.socket, event, _context(function))
    except TimeoutError:
        found.condemned = True
        text = f"{uuid.uuid4()} Task timed out after {function.timeout:.2f} seconds"
        return _failure(text, "Sandbox.Timedout", text)
    except asyncio.LimitOverrunError:
        found.condemned = True
        return _failure("the answer is too large", "Function.ResponseSizeTooLarge", "")
    except (OSError, ValueError, asyncio.IncompleteReadError):
        found.condemned = True
        return _failure("the runtime exited", "Runtime.ExitError", "")
    if "result" in answer:
        return Outcome(answer["result"], failed=False, log=answer["log"])
    return _failure(answer["error"], answer["type"], answer["log"], answer["trace"])


async def _exchange(path: Path, event: Any, context: dict[str, Any]) -> dict[str, Any]:
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)  # the length of a socket's path is limited
    try:
        reader, writer = await asyncio.open_unix_connection(
            f"/proc/self/fd/{folder}/{path.name}", limit=_LINE_BYTES
        )
    finally:
        os.close(folder)
    try:
        writer.write(json.dumps({"event": event, "context": context}).encode() + b"\n")
        await writer.drain()
        answer: dict[str, Any] = json.loads(await reader.readuntil(b"\n"))
        return answer
    finally:
        writer.close()


def _context(function: Function) -> dict[str, Any]:
    return {
        "function_name": function.name,
        "arn": function.arn,
        "memory": str(function.memory),
        "request_id": str(uuid.uuid4()),
        "log_group": f"/aws/lambda/{function.name}",
        "log_stream": "embedded",
        "deadline": time.time() + function.timeout,
    }


def _failure(message: str, kind: str, log: str, trace: list[str] | None = None) -> Outcome:
    payload = {"errorMessage": message, "errorType": kind}
    return Outcome(payload | ({"stackTrace": trace} if trace else {}), failed=True, log=log)
