"""What alarms tell arrives at the subscribers of the stack's topic: by mail, and at a web hook."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from infra.embedded.aws import sns
from tests.functional.observability.minutes import Life, minutes
from tests.functional.observability.synthesised import Client, Created
from tests.synth.synthesis import Stack

_PATIENCE = 20


class Hook:
    """A web hook on loopback; `received` has what CloudWatch said."""

    def __init__(self) -> None:
        received: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                envelope = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.append(json.loads(envelope["Message"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                """Say nothing."""

        self.received = received
        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/"

    def wait(self, count: int) -> list[dict[str, Any]]:
        """What was received, once it is so much."""
        deadline = time.monotonic() + _PATIENCE
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return list(self.received)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web hook that listens."""
    hook = Hook()
    yield hook
    hook.close()


def test_an_outage_arrives_by_mail_and_at_the_hook(client: Client, synthesised: Stack, hook: Hook) -> None:
    """Both get the same two messages: that it began, and that it is over; its causes arrive nowhere."""
    life = Life(Created(synthesised, client).watched(hook.address), client)
    life.play(minutes(10))
    first = len(hook.wait(len(sns.MAILBOX)))
    assert first == len(sns.MAILBOX)
    life.play([*minutes(2, failed=100), *minutes(10)])
    mails = list(sns.MAILBOX)[first:]
    said = hook.wait(first + 2)[first:]
    # Each delivery has a thread: which of two that follow at once comes first, nobody promises.
    assert {(each["AlarmName"], each["NewStateValue"]) for each in said} == {
        ("llmctl-test-chat-outage", "ALARM"),
        ("llmctl-test-chat-outage", "OK"),
    }
    assert [json.loads(mail.message) for mail in mails] == sorted(
        said, key=lambda each: bool(each["NewStateValue"] == "OK")
    )
    assert {mail.to for mail in mails} == {"oncall@example.com"}
    assert "docs/operations.md explains it: outage" in said[0]["AlarmDescription"]


def test_who_reads_it_learns_what_was_seen(client: Client, synthesised: Stack, hook: Hook) -> None:
    """The message of a metric alarm has the numbers, and where the documentation explains it."""
    life = Life(Created(synthesised, client).watched(hook.address), client)
    life.play(minutes(10))
    first = len(hook.wait(len(sns.MAILBOX)))
    life.play(minutes(1, ended=1))
    (said,) = hook.wait(first + 1)[first:]
    assert (said["AlarmName"], said["NewStateValue"]) == ("llmctl-test-chat-engine-failing", "ALARM")
    assert said["Trigger"]["Threshold"] == 1
    assert "1 out of the last 5 datapoints" in said["NewStateReason"]
    assert "docs/operations.md explains it: engine-failing" in said["AlarmDescription"]
