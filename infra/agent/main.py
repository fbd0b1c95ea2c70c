"""Puts the agent together on a real instance and runs it.

Everything is found below `${INSTANCE_ROOT}`, which is empty on AWS.
"""

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from infra.agent.agent import Agent
from infra.agent.aws import Clients, connect
from infra.agent.config import WEIGHTS_DIRECTORY, AgentConfig
from infra.agent.download import S3Weights
from infra.agent.engine import DockerEngine
from infra.agent.fetch import KeyAndWeights
from infra.agent.group import AutoScalingGroup
from infra.agent.logs import Buffer, Shipper, Tee, line_writer
from infra.agent.machine import Policy
from infra.agent.metadata import Identity, InstanceNotices, Metadata, MetadataUnavailable, read_identity
from infra.agent.probe import HttpProbe
from infra.agent.report import TableReporter

_LOG = logging.getLogger("agent")
_CONFIG = "/etc/llmctl/agent.json"
_ROUND_SECONDS = 1.0
_IDENTITY_ATTEMPTS = 30
_LAST_LOGS_SECONDS = 5.0
_GOODBYE_MARGIN = 30.0


@dataclass(frozen=True)
class _Streams:
    agent: Buffer
    engine: Buffer


def main() -> int:
    """Run until the instance is gone; returns the exit status."""
    root = os.environ.get("INSTANCE_ROOT", "")
    streams = _Streams(Buffer(), Buffer())
    _LOG.addHandler(Tee(streams.agent, sys.stdout))
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False
    try:
        config = AgentConfig.from_json(Path(f"{root}{_CONFIG}").read_text())
        metadata = Metadata()
        identity = _identity(metadata)
    except (OSError, ValueError, TypeError, KeyError, MetadataUnavailable) as error:
        _LOG.error("can't start", extra={"fields": {"error": str(error)}})
        return 1
    _LOG.info("started", extra={"fields": vars(identity) | {"model": config.model}})
    clients = connect(config.region)
    shipper = Shipper(
        clients.logs,
        config.log_group,
        {f"{identity.instance_id}/agent": streams.agent, f"{identity.instance_id}/engine": streams.engine},
    )
    shipper.start()
    _agent(config, identity, metadata, clients, streams, root).run()
    _LOG.info("ended")
    shipper.close(_LAST_LOGS_SECONDS)
    return 0


def policy(config: AgentConfig) -> Policy:
    """How patient the agent is.

    A group opens the terminate hook only when the balancer has let go of the instance, which may take the
    whole delay although the engine was done long before: whoever gave up earlier would leave the hook to
    run out.
    """
    drain = config.drain_seconds
    return Policy(drain_seconds=drain, goodbye_for=drain + _GOODBYE_MARGIN)


def _agent(
    config: AgentConfig,
    identity: Identity,
    metadata: Metadata,
    clients: Clients,
    streams: _Streams,
    root: str,
) -> Agent:
    reporter = TableReporter(
        clients.dynamodb,
        table=config.runtime_table,
        model=config.model,
        instance_id=identity.instance_id,
    )
    reporter.start()
    group = AutoScalingGroup(clients, identity.instance_id, config.launch_hook, config.terminate_hook)
    group.learn()
    fetcher = _fetcher(config, clients, root)
    notices = InstanceNotices(metadata, lambda text: reporter.event("rebalance recommended", text))
    wake = _stop_on_signals(notices)
    return Agent(
        policy=policy(config),
        notices=notices,
        fetcher=fetcher,
        engine=DockerEngine(
            config.engine,
            root,
            weights=config.weights_uri is not None,
            api_key=lambda: fetcher.api_key,
            on_line=line_writer(streams.engine, sys.stdout),
        ),
        probe=HttpProbe(
            config.engine, os.environ.get("INSTANCE_ADDRESS", "127.0.0.1"), lambda: fetcher.api_key
        ),
        group=group,
        reporter=reporter,
        now=time.monotonic,
        pause=lambda: _pause(wake),
    )


def _fetcher(config: AgentConfig, clients: Clients, root: str) -> KeyAndWeights:
    download = None
    if config.weights_uri is not None:
        download = S3Weights(clients.s3, config.weights_uri, Path(f"{root}{WEIGHTS_DIRECTORY}"))
    return KeyAndWeights(clients.secretsmanager, config.api_key_secret, download)


def _identity(metadata: Metadata) -> Identity:
    """The metadata service may come up a little later than we do."""
    for _ in range(_IDENTITY_ATTEMPTS - 1):
        try:
            return read_identity(metadata)
        except MetadataUnavailable:
            time.sleep(_ROUND_SECONDS)
    return read_identity(metadata)


def _stop_on_signals(notices: InstanceNotices) -> threading.Event:
    wake = threading.Event()

    def stop(number: int, frame: object) -> None:
        notices.stopped = True
        wake.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return wake


def _pause(wake: threading.Event) -> None:
    if wake.wait(_ROUND_SECONDS):
        time.sleep(0.1)  # told to stop: look often, but don't spin


if __name__ == "__main__":
    sys.exit(main())
