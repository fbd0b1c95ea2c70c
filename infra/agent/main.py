"""Puts the agent together on a real instance and runs it.

Everything is found below `${INSTANCE_ROOT}`, which is empty on AWS.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.agent.agent import Agent
from infra.agent.aws import Clients, connect
from infra.agent.config import METRICS_PORT, WEIGHTS_DIRECTORY, AgentConfig
from infra.agent.download import S3Weights
from infra.agent.engine import DockerEngine, pull
from infra.agent.fetch import KeyAndWeights
from infra.agent.group import AutoScalingGroup
from infra.agent.logs import Buffer, Shipper, Tee, line_writer
from infra.agent.machine import Policy
from infra.agent.metadata import Identity, InstanceNotices, Metadata, MetadataUnavailable, read_identity
from infra.agent.ports import Engine
from infra.agent.probe import HttpProbe, MetricsPage
from infra.agent.recorder_child import RecordedEngine, RecorderProcess, Reports
from infra.agent.report import TableReporter
from infra.agent.telemetry import page, web
from infra.agent.telemetry.datums import Who
from infra.agent.telemetry.life import Life
from infra.agent.telemetry.meter import Meter
from infra.agent.telemetry.publisher import Publisher
from infra.agent.telemetry.scraper import Telemetry

_LOG = logging.getLogger("agent")
_CONFIG = "/etc/llmctl/agent.json"
_STARTED = "/var/lib/llmctl/started"
_AT_WORK = "/run/llmctl/agent"
_ROUND_SECONDS = 1.0
_IDENTITY_ATTEMPTS = 30
_LAST_LOGS_SECONDS = 5.0
_LAST_SAMPLES_SECONDS = 12.0
_GOODBYE_MARGIN = 30.0


@dataclass(frozen=True)
class _Streams:
    agent: Buffer
    engine: Buffer
    metrics: Buffer


def main() -> int:
    """Run until the instance is gone; returns the exit status."""
    root = os.environ.get("INSTANCE_ROOT", "")
    streams = _Streams(Buffer(), Buffer(), Buffer())
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
        {f"{identity.instance_id}/{name}": buffer for name, buffer in vars(streams).items()},
    )
    shipper.start()
    agent = _agent(config, identity, metadata, clients, streams, root)
    agent.run()
    if isinstance(agent.engine, RecordedEngine):
        agent.engine.recorder.close(_LAST_SAMPLES_SECONDS)
    Path(f"{root}{_AT_WORK}").unlink(missing_ok=True)
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
    reporter = _reporter(config, identity, clients)
    group = AutoScalingGroup(clients, identity.instance_id, config.launch_hook, config.terminate_hook)
    group.learn()
    notices = InstanceNotices(metadata, lambda text: reporter.event("rebalance recommended", text))
    fetcher = _fetcher(config, clients, root, notices)
    wake = _stop_on_signals(notices)
    address = os.environ.get("INSTANCE_ADDRESS", "")
    engine_address = address or "127.0.0.1"
    telemetry = _telemetry(
        config,
        identity,
        clients,
        group,
        life=Life(identity.launched, time.time(), cold=_first_start(root), orphaned=_was_left_at_work(root)),
        write=lambda text: streams.metrics.add(int(time.time() * 1000), text),
        fetch=MetricsPage(config.engine, engine_address, lambda: fetcher.api_key).fetch,
    )
    _serve_page(telemetry, address)
    return Agent(
        policy=policy(config),
        notices=notices,
        fetcher=fetcher,
        engine=_engine(config, identity, streams, root, lambda: fetcher.api_key, telemetry),
        probe=HttpProbe(config.engine, engine_address, telemetry.look),
        group=group,
        reporter=reporter,
        telemetry=telemetry,
        now=time.monotonic,
        pause=lambda: _pause(wake),
    )


def _reporter(config: AgentConfig, identity: Identity, clients: Clients) -> TableReporter:
    reporter = TableReporter(
        clients.dynamodb, table=config.runtime_table, model=config.model, instance_id=identity.instance_id
    )
    reporter.start()
    return reporter


def _telemetry(
    config: AgentConfig,
    identity: Identity,
    clients: Clients,
    group: AutoScalingGroup,
    *,
    life: Life,
    write: Callable[[str], None],
    fetch: Callable[[], str | None],
) -> Telemetry:
    def who() -> Who:
        return Who(
            environment=config.environment,
            model=config.model,
            slot=identity.slot,
            release=group.release,
            replica=identity.instance_id,
        )

    telemetry = Telemetry(
        config=config,
        meter=Meter(config, life),
        publisher=Publisher(clients.cloudwatch, config.monitoring.interval_seconds),
        who=who,
        context={"zone": identity.zone, "market": identity.market, "instance_type": identity.instance_type},
        write=write,
        fetch=fetch,
        learn=group.learn,
        wall=time.time,
    )
    telemetry.start()
    return telemetry


def _serve_page(telemetry: Telemetry, address: str) -> None:
    """On the instance's own address if it has one, else on loopback unless a Prometheus may come."""
    anywhere = "0.0.0.0" if telemetry.config.monitoring.scrape else "127.0.0.1"  # noqa: S104
    web.serve(lambda: page.text(telemetry.meter.view(), telemetry.who()), address or anywhere, METRICS_PORT)


def _first_start(root: str) -> bool:
    """Whether no agent was started on this instance before, so that its cold start can be measured."""
    mark = Path(f"{root}{_STARTED}")
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch(exist_ok=False)
    except OSError:
        return False
    return True


def _was_left_at_work(root: str) -> bool:
    """Whether the agent before this one didn't come to its end; a reboot forgets it."""
    mark = Path(f"{root}{_AT_WORK}")
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch(exist_ok=False)
    except FileExistsError:
        return True
    except OSError as error:
        _LOG.warning("no mark", extra={"fields": {"error": str(error)}})
    return False


def _engine(
    config: AgentConfig,
    identity: Identity,
    streams: _Streams,
    root: str,
    api_key: Callable[[], str | None],
    telemetry: Telemetry,
) -> Engine:
    """The engine, behind a recorder if samples are kept or requests are timed."""
    engine = DockerEngine(
        config.engine,
        root,
        weights=config.weights_uri is not None,
        api_key=api_key,
        on_line=line_writer(streams.engine, sys.stdout),
    )
    if config.engine.engine_port is None:
        return engine
    on_line = line_writer(streams.agent, sys.stdout)
    reports = Reports(telemetry.timed, telemetry.meter.unreported) if config.engine.timed else None
    return RecordedEngine(engine, RecorderProcess(identity.instance_id, identity.slot, on_line, reports))


def _fetcher(config: AgentConfig, clients: Clients, root: str, notices: InstanceNotices) -> KeyAndWeights:
    download = None
    if config.weights_uri is not None:
        download = S3Weights(clients.s3, config.weights_uri, Path(f"{root}{WEIGHTS_DIRECTORY}"))

    def prepare() -> None:
        """Others get the image when the engine starts."""
        if notices.standby:
            pull(config.engine.image)

    return KeyAndWeights(clients.secretsmanager, config.api_key_secret, download, prepare)


def _identity(metadata: Metadata) -> Identity:
    """The metadata service may come up a little later than we do."""
    for _ in range(_IDENTITY_ATTEMPTS - 1):
        try:
            return read_identity(metadata)
        except MetadataUnavailable:
            time.sleep(_ROUND_SECONDS)  # nothing announces it: ask again
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
