"""Functions run: by the API, by a schedule, by an event, and fail as Lambda's do."""

import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.embedded import aws
from infra.embedded.addresses import Addresses
from infra.embedded.aws.server import Server
from infra.embedded.functions.service import FunctionService
from infra.embedded.loop import LoopThread

HANDLER = """
import os
import boto3

def handle(event, context):
    print("got", event.get("n"))
    if event.get("fail"):
        raise ValueError("no luck")
    if event.get("big"):
        return "x" * event["big"]
    if event.get("hang"):
        import time
        time.sleep(30)
    if event.get("source") == "aws.events" or event.get("source") == "test":
        boto3.client("s3").put_object(Bucket="seen", Key=event["detail-type"], Body=str(event["detail"]))
    return {"n": event.get("n", 0) + 1, "name": context.function_name, "set": os.environ["SETTING"],
            "left": context.get_remaining_time_in_millis() > 0}
"""


class Cloud:
    """An API with functions, reconciled by whoever waits."""

    def __init__(self, folder: Path) -> None:
        aws.install()
        aws.reset()
        self.addresses = Addresses.claim(f"functions-{os.getpid()}")
        address = self.addresses.allocate("cloud")
        self.server = Server(address)
        self.loop = LoopThread("functions-test")
        self.service = FunctionService(folder, self.loop, address, self.server.url)

    def client(self, service: str) -> Any:
        """A client that doesn't retry."""
        create: Any = boto3.client
        return create(
            service,
            endpoint_url=self.server.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
        )

    def settle(self, condition: Callable[[], object], seconds: float = 15.0, now: float = 0.0) -> None:
        """Reconcile until the condition holds; `now` is added to the clock."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline
            self.service.reconcile(time.time() + now)
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        self.service.stop()
        self.loop.stop()
        self.server.stop()
        self.addresses.release()
        aws.reset()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """An empty account with one function, `next`."""
    made = Cloud(tmp_path)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", HANDLER)
    iam = made.client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    made.client("lambda").create_function(
        FunctionName="next",
        Runtime="python3.12",
        Role=role,
        Handler="app.handle",
        Timeout=1,
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"SETTING": "blue"}},
    )
    made.service.reconcile(time.time())
    try:
        yield made
    finally:
        made.stop()


def invoke(cloud: Cloud, event: dict[str, Any]) -> dict[str, Any]:
    """Invoke and wait; the answer with its payload decoded."""
    answer = cloud.client("lambda").invoke(FunctionName="next", Payload=json.dumps(event))
    return {**answer, "Payload": json.loads(answer["Payload"].read())}


def test_a_function_is_invoked(cloud: Cloud) -> None:
    """The handler gets the event, its environment and a context, and what it returns comes back."""
    answer = invoke(cloud, {"n": 41})
    assert answer["Payload"] == {"n": 42, "name": "next", "set": "blue", "left": True}
    assert "FunctionError" not in answer


def test_what_it_prints_is_in_its_log(cloud: Cloud) -> None:
    """Standard output ends up in the function's log group."""
    invoke(cloud, {"n": 7})
    events = cloud.client("logs").filter_log_events(logGroupName="/aws/lambda/next")["events"]
    assert [event["message"] for event in events] == ["got 7"]


def test_an_exception_is_a_function_error(cloud: Cloud) -> None:
    """A handler that raises is told in Lambda's words, and serves the next event."""
    answer = invoke(cloud, {"fail": True})
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == "ValueError"
    assert answer["Payload"]["errorMessage"] == "no luck"
    assert invoke(cloud, {"n": 1})["Payload"]["n"] == 2


def test_the_time_limit_holds(cloud: Cloud) -> None:
    """A handler that takes too long is killed, and a new worker takes its place."""
    answer = invoke(cloud, {"hang": True})
    assert answer["Payload"]["errorType"] == "Sandbox.Timedout"
    cloud.service.reconcile(time.time())
    assert invoke(cloud, {"n": 1})["Payload"]["n"] == 2


def test_who_waited_for_a_killed_worker_gets_the_next(cloud: Cloud) -> None:
    """An event behind one that hangs is not lost with it: the worker's replacement handles it."""
    event = json.dumps({"hang": True})
    cloud.client("lambda").invoke(FunctionName="next", InvocationType="Event", Payload=event)
    with ThreadPoolExecutor(max_workers=1) as pool:
        answer = pool.submit(invoke, cloud, {"n": 1})
        cloud.settle(answer.done)
    assert answer.result()["Payload"].get("n") == 2


def test_an_answer_that_is_too_large_is_an_error(cloud: Cloud) -> None:
    """The caller is told, and doesn't wait for ever."""
    answer = invoke(cloud, {"big": 9 * 1024 * 1024})
    assert answer["Payload"]["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_schedule_that_cannot_be_is_refused(cloud: Cloud) -> None:
    """A rule that can't be computed is refused when it is put: later it would stop all other schedules."""
    with pytest.raises(ClientError, match="ScheduleExpression is not valid"):
        cloud.client("events").put_rule(Name="never", ScheduleExpression="cron(0 25 * * ? *)")


def seen(cloud: Cloud) -> set[str]:
    """Kinds of events that the function has seen."""
    return {entry["Key"] for entry in cloud.client("s3").list_objects_v2(Bucket="seen").get("Contents", [])}


def test_a_schedule_invokes(cloud: Cloud) -> None:
    """A rule with a rate invokes its function when the time has come, and not before."""
    cloud.client("s3").create_bucket(Bucket="seen")
    events = cloud.client("events")
    events.put_rule(Name="often", ScheduleExpression="rate(1 minute)")
    arn = cloud.client("lambda").get_function(FunctionName="next")["Configuration"]["FunctionArn"]
    events.put_targets(Rule="often", Targets=[{"Id": "f", "Arn": arn}])
    cloud.service.reconcile(time.time())
    cloud.service.reconcile(time.time() + 30)
    assert seen(cloud) == set()
    cloud.settle(lambda: seen(cloud) == {"Scheduled Event"}, now=61)


def test_an_event_invokes(cloud: Cloud) -> None:
    """A rule with a pattern invokes its function for the events that match."""
    cloud.client("s3").create_bucket(Bucket="seen")
    events = cloud.client("events")
    events.put_rule(Name="ours", EventPattern=json.dumps({"source": ["test"]}))
    arn = cloud.client("lambda").get_function(FunctionName="next")["Configuration"]["FunctionArn"]
    events.put_targets(Rule="ours", Targets=[{"Id": "f", "Arn": arn}])
    for source, kind in (("other", "no"), ("test", "yes")):
        events.put_events(Entries=[{"Source": source, "DetailType": kind, "Detail": "{}"}])
    cloud.settle(lambda: seen(cloud) == {"yes"})
