"""Runs one function's handler: `python worker.py SOCKET CODE_FOLDER MODULE.FUNCTION`.

Started by the daemon with the function's own environment. It serves one invocation after the other on a Unix
socket: a line of JSON in ({"event", "context"}), a line of JSON out ({"result"} or {"error", "type",
"trace"}, and "log"). What the function sees is its zip and the installed SDK, nothing of this project.
"""

import contextlib
import importlib
import io
import json
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any


class Context:
    """What a handler is told of its invocation, by the documented names."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.function_name: str = told["function_name"]
        self.function_version = "$LATEST"
        self.invoked_function_arn: str = told["arn"]
        self.memory_limit_in_mb: str = told["memory"]
        self.aws_request_id: str = told["request_id"]
        self.log_group_name: str = told["log_group"]
        self.log_stream_name: str = told["log_stream"]
        self._deadline: float = told["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time limit."""
        return max(0, int((self._deadline - time.time()) * 1000))


def main(arguments: list[str]) -> int:
    """Serve until killed."""
    path, folder, handler = arguments
    sys.path[0] = folder
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    module, _, name = handler.rpartition(".")
    loaded: list[Callable[[Any, Context], Any]] = []
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            line = stream.readline()
            if line:
                answer = _invoke(module, name, loaded, json.loads(line))
                stream.write(json.dumps(answer).encode() + b"\n")
                stream.flush()


def _invoke(module: str, name: str, loaded: list[Any], told: dict[str, Any]) -> dict[str, Any]:
    output = io.StringIO()
    answer: dict[str, Any]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            if not loaded:  # the first invocation, as a cold start
                loaded.append(getattr(importlib.import_module(module), name))
            answer = {"result": loaded[0](told["event"], Context(told["context"]))}
            json.dumps(answer)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its answer
            trace = traceback.format_tb(error.__traceback__)[1:]
            answer = {"error": str(error), "type": type(error).__name__, "trace": trace}
            traceback.print_exc()
    return answer | {"log": output.getvalue()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
