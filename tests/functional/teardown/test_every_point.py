"""Whatever an apply had made when Terraform was killed, and with no state of it, it can all be removed.

One apply is frozen after each resource. A fork of this process takes the emulated account as it is then, all
in memory, throws the state away and removes what it finds; the apply goes on. test_crash.py has a few of
these points with a real SIGKILL and the whole of `destroy`.
"""

import os
import signal
from collections.abc import Callable

import pytest

from infra.aws.removal import Removal
from infra.aws.session import Session
from infra.embedded import aws
from infra.embedded.aws.server import Server
from infra.teardown.removing import remove_all
from infra.terraform.directory import RunDirectory
from infra.terraform.events import ApplyComplete, Event
from infra.terraform.process import kill_group
from tests.functional.teardown.rig import NAME, Rig

SECONDS = 120
"""For one fork: a few would do."""
FEWEST = 100
"""Resources of the environment: an apply that made nothing must not count."""

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def _in_a_fork(work: Callable[[], str]) -> str:
    """What the work says, done in a copy of this process; here nothing happens."""
    heard, say = os.pipe()
    with aws.lock:  # between two calls, and free again in the fork
        process = os.fork()
    if process == 0:
        _live(work, say)
    os.close(say)
    with os.fdopen(heard) as told:
        said = told.read()
    _, status = os.waitpid(process, 0)
    return said or (f"the fork ended with status {status}" if status else "")


def _live(work: Callable[[], str], say: int) -> None:
    """All that a fork does: it must neither return to pytest nor outlive it."""
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        os.write(say, work().encode())
        status = 0
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and ends the fork
        os.write(say, repr(error).encode())
    finally:
        os._exit(status)


def _remove(rig: Rig) -> str:
    """What is left after everything was removed that is in no state: nothing is in one any more."""
    os.environ["AWS_ENDPOINT_URL"] = Server().url
    workspace = rig.workspace()
    _lose_the_state(workspace.session, workspace.state_bucket.name)
    removal = Removal(workspace.session, lift_protection=True)
    left = remove_all(lambda: workspace.leftovers(patience=0), removal, workspace.clock, lambda text: None)
    return "".join(f"{each.resource.kind} {each.resource.id}: {each.reason}\n" for each in left)


def _lose_the_state(session: Session, bucket: str) -> None:
    for each in session.s3.list_objects_v2(Bucket=bucket, Prefix=f"{NAME}/").get("Contents", []):
        session.s3.delete_object(Bucket=bucket, Key=each["Key"])


def test_what_was_made_until_then_can_be_removed(rig: Rig) -> None:
    """After every single resource of an apply nothing is left that somebody would have to look for."""
    left: list[str] = []

    def observe(event: Event) -> None:
        if isinstance(event, ApplyComplete) and event.action == "create":
            groups = [operation.pid for operation in RunDirectory(NAME).unfinished()]
            for group in groups:
                kill_group(group, signal.SIGSTOP)
            try:
                left.append(_in_a_fork(lambda: _remove(rig)))
            finally:
                for group in groups:
                    kill_group(group, signal.SIGCONT)

    workspace = rig.workspace()
    workspace.state_bucket.ensure()
    with workspace.terraform(observe) as terraform:
        terraform.apply(terraform.plan())
    assert {made: each for made, each in enumerate(left, start=1) if each} == {}
    assert len(left) >= FEWEST
