"""The recorder's process: `recorder_child` runs it beside the engine.

It takes the instance's id and slot as arguments, and the file descriptor of a pipe for times if requests are
timed; everything else it reads in the agent's own configuration. It says what happens in lines of JSON on
standard output. At SIGTERM it stops listening, finishes what is in flight, ships what was kept, and ends.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from infra.agent.aws import aws_errors
from infra.agent.capture import Origin
from infra.agent.capture_store import Store
from infra.agent.config import AgentConfig
from infra.agent.logs import JsonFormatter
from infra.agent.recorder import NOTHING, Recorder, Sampling
from infra.agent.timing_pipe import Outlet

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
_LOG = logging.getLogger("recorder")
_CONFIG = "/etc/llmctl/agent.json"
_LOOPBACK = "127.0.0.1"
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - the security group decides who gets in
DRAIN_SECONDS = 5.0
SHIP_SECONDS = 6.0


def main(arguments: list[str]) -> int:
    """Record until told to stop; returns the exit status."""
    instance_id, slot, *pipe = arguments
    _log_to_output()
    root = os.environ.get("INSTANCE_ROOT", "")
    try:
        config = AgentConfig.from_json(Path(f"{root}{_CONFIG}").read_text())
        return asyncio.run(_record(config, instance_id, slot, Outlet(int(pipe[0])) if pipe else None))
    except (OSError, ValueError, TypeError, KeyError) as error:
        _LOG.error("can't record", extra={"fields": {"error": str(error)}})
        return 1


async def _record(config: AgentConfig, instance_id: str, slot: str, outlet: Outlet | None) -> int:
    launch = config.engine
    if launch.engine_port is None:
        raise ValueError("the configuration asks for no recorder")
    store = _store(config, instance_id, slot)
    # One address for both on an emulated instance; on a real one the engine listens on all of them.
    address = os.environ.get("INSTANCE_ADDRESS")
    recorder = Recorder(
        address or _LOOPBACK,
        launch.engine_port,
        _sampling(config, store),
        report=outlet.give if outlet else None,
    )
    stop = _stop_on_signals()
    server = await recorder.listen(address or _EVERYWHERE, launch.port)
    if store is not None:
        store.start()
    kept = {"rate": config.capture.rate, "bucket": config.capture.bucket} if config.capture else {"rate": 0}
    _LOG.info("recording", extra={"fields": {**kept, "timed": outlet is not None}})
    await stop.wait()
    server.close()
    await recorder.drain(DRAIN_SECONDS)
    if store is not None:
        await asyncio.to_thread(store.close, SHIP_SECONDS)
    return 0


def _store(config: AgentConfig, instance_id: str, slot: str) -> Store | None:
    """Where samples go, if any are kept."""
    if (capture := config.capture) is None:
        return None
    clients = _Clients(config.region)
    return Store(
        origin=Origin(environment=config.environment, model=config.model, slot=slot, replica=instance_id),
        redact=capture.redact,
        release=lambda: clients.release(instance_id),
        put=lambda key, content: clients.put(capture.bucket, key, content),
    )


def _sampling(config: AgentConfig, store: Store | None) -> Sampling:
    if config.capture is None or store is None:
        return NOTHING
    return Sampling(rate=config.capture.rate, max_bytes=config.capture.max_bytes, keep=store.keep)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


class _Clients:
    """AWS, as far as samples need it. Made when first used, off the thread that serves."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._made: tuple[S3Client, AutoScalingClient] | None = None

    def put(self, bucket: str, key: str, content: bytes) -> bool:
        """Write an object; false, with a line that says why, when it was not taken."""

        def call() -> bool:
            kind = "application/gzip"  # not as an encoding: clients would unpack what is named .gz
            self._clients()[0].put_object(Bucket=bucket, Key=key, Body=content, ContentType=kind)
            return True

        return bool(_tried(f"writing s3://{bucket}/{key}", call))

    def release(self, instance_id: str) -> int | None:
        """The launch template version that the instance was launched from; None when it can't be had."""

        def call() -> int | None:
            found = self._clients()[1].describe_auto_scaling_instances(InstanceIds=[instance_id])
            for each in found["AutoScalingInstances"]:
                version = each.get("LaunchTemplate", {}).get("Version", "")
                return int(version) if version.isdigit() else None
            return None

        return _tried("asking for the release", call)

    def _clients(self) -> "tuple[S3Client, AutoScalingClient]":
        if self._made is None:
            import boto3
            from botocore.config import Config

            session = boto3.Session(region_name=self._region)
            quick = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2})
            self._made = (session.client("s3", config=quick), session.client("autoscaling", config=quick))
        return self._made


def _tried(doing: str, call: Callable[[], _T]) -> _T | None:
    try:
        return call()
    except aws_errors() as error:
        _LOG.warning("samples", extra={"fields": {"doing": doing, "error": str(error)}})
        return None


def _log_to_output() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
