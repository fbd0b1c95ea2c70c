"""The daemon's own interface over HTTP: faults are set, shown and cleared, and what can't be is refused."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from infra.embedded.admin import Admin
from infra.embedded.aws.faults import INJECTOR, Faults
from infra.embedded.compute.compute import Compute
from infra.embedded.loop import LoopThread
from infra.embedded.meter import Meter

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Sends to `/faults`, and gives status and answer."""
    loop = LoopThread("admin")
    admin = Admin(loop, "127.0.0.1", dict, cast(Compute, None), Meter(list))  # no machine has a part

    def send(body: str | None = None) -> tuple[int, Any]:
        data = None if body is None else body.encode()
        try:
            with urllib.request.urlopen(f"{admin.url}/faults", data, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    yield send
    INJECTOR.set(Faults())
    admin.stop()
    loop.stop()


def test_faults_hold_until_others_are_set(ask: Ask) -> None:
    """Each request says all that goes wrong from then on; nothing said, nothing goes wrong."""
    well = ask()[1]
    assert not any(well.values())
    status, told = ask('{"throttle": 0.2, "services": ["ec2"], "seed": 7}')
    assert (status, told) == (200, {**well, "throttle": 0.2, "services": ["ec2"], "seed": 7})
    assert ask()[1] == told
    assert ask('{"propagation": 30}')[1] == {**well, "propagation": 30}
    assert ask("{}")[1] == ask()[1] == well


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"throttle": ', "the body is not JSON: "),
        ("[1]", "the body is not a JSON object"),
        ('{"thottle": 0.2}', "unknown: thottle; there are errors, latency, lost, propagation, "),
        ('{"throttle": 2}', "throttle is a share from 0 to 1, not 2"),
        ('{"latency": "2s"}', "latency is seconds, 0 to 3600, not '2s'"),
        ('{"propagation": 61}', "propagation is seconds, 0 to 60, not 61"),
        (
            '{"services": "ec2"}',
            "services is a list of AWS services, such as ec2, elbv2 or dynamodb, not 'ec2'",
        ),
        ('{"seed": 0.5}', "seed is a whole number, not 0.5"),
        (
            '{"errors": 0.5, "lost": 0.6}',
            "throttle, errors and lost are shares of all calls: together at most 1",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(ask: Ask, body: str, error: str) -> None:
    """The answer names what is wrong and what is right, and the faults that hold go on."""
    ask('{"throttle": 0.1}')
    status, told = ask(body)
    assert (status, told["error"][: len(error)]) == (400, error)
    assert ask()[1]["throttle"] == 0.1
