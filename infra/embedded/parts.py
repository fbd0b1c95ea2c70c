"""The parts of a running cloud, put together: what is started in which order, and stopped in which."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.embedded.addresses import Addresses
from infra.embedded.admin import Admin
from infra.embedded.aws import (
    autoscaling,
    autoscaling_metrics,
    autoscaling_schedules,
    cloudwatch,
    ec2,
    experiments,
    sns,
    spot_market,
    views,
)
from infra.embedded.aws.server import Server
from infra.embedded.balancer.balancer import Balancer
from infra.embedded.balancer.listeners import ACCESS_LOG
from infra.embedded.balancer.metrics import TrafficMetrics
from infra.embedded.compute.compute import Compute, Ec2
from infra.embedded.compute.machine import Cloud
from infra.embedded.compute.metadata import PORT, MetadataService
from infra.embedded.functions.service import FunctionService
from infra.embedded.image import build
from infra.embedded.loop import LoopThread
from infra.embedded.meter import Meter
from infra.paths import cache_directory

_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.05
_MAILS_SHOWN = 10
_EC2 = Ec2(
    views.instances,
    ec2.mark_running,
    ec2.mark_terminated,
    ec2.mark_stopped,
    ec2.announce_interruption,
    ec2.announce_rebalance,
)


@dataclass(kw_only=True)
class Parts:
    """A running cloud. For the main thread, whose end kills the processes."""

    loop: LoopThread
    addresses: Addresses
    server: Server
    metadata: MetadataService
    compute: Compute
    functions: FunctionService
    balancer: Balancer
    traffic: TrafficMetrics
    meter: Meter
    admin: Admin

    @classmethod
    def start(cls, name: str, directory: Path, about: Callable[[], dict[str, Any]]) -> "Parts":
        """Start all parts; `about` gives what the status says of the daemon itself."""
        loop = LoopThread("http")
        addresses = Addresses.claim(name)
        own = addresses.allocate("cloud")
        server = Server(own)
        metadata = MetadataService(loop, lambda: compute.snapshot)
        cloud = Cloud(
            directory=directory,
            bin_folder=build.build(directory / "bin"),
            api_url=server.url,
            metadata_port=PORT,
            cache=cache_directory(),
        )
        compute = Compute(cloud, addresses, _EC2, metadata)
        functions = FunctionService(directory / "functions", loop, own, server.url)

        def locate(target: str) -> str | None:
            return own if target.startswith("arn:") else addresses.find(target)

        balancer = Balancer(directory / "balancer", locate, addresses.allocate)
        balancer.start()
        log = directory / "balancer" / ACCESS_LOG
        traffic = TrafficMetrics(log, views.load_balancers, cloudwatch.record)
        meter = Meter(views.instances)
        admin = Admin(loop, own, lambda: about() | status(compute, balancer, server.url), compute, meter)
        return cls(
            loop=loop,
            addresses=addresses,
            server=server,
            metadata=metadata,
            compute=compute,
            functions=functions,
            balancer=balancer,
            traffic=traffic,
            meter=meter,
            admin=admin,
        )

    @property
    def api_url(self) -> str:
        """What AWS_ENDPOINT_URL must be."""
        return self.server.url

    @property
    def admin_url(self) -> str:
        """The daemon's own interface."""
        return self.admin.url

    @property
    def steps(self) -> dict[str, Callable[[float], None]]:
        """The reconcilers in the order of cause and effect; each takes epoch seconds."""
        return {
            "alarms": cloudwatch.evaluate,
            "schedules": autoscaling_schedules.run,
            "autoscaling": autoscaling.reconcile,
            "spot market": spot_market.reconciler(self.compute),
            "experiments": experiments.reconciler(self.compute),
            "compute": self.compute.reconcile,
            "meter": self.meter.look,
            "functions": self.functions.reconcile,
            "balancer": self.balancer.reconcile,
            "traffic metrics": self.traffic.publish,
            "group metrics": autoscaling_metrics.publish,
        }

    def stop(self) -> None:
        """Stop everything, instances first."""
        self.admin.stop()
        self.compute.begin_stop(time.time() + _STOP_SECONDS)
        deadline = time.monotonic() + _STOP_SECONDS
        while any(machine.observe().alive for machine in self.compute.machines.values()):
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)  # all instances at once: there is no one child to wait for
        self.compute.finish_stop()
        self.balancer.stop()
        self.functions.stop()
        self.metadata.stop()
        self.server.stop()
        self.loop.stop()
        self.addresses.release()


def status(compute: Compute, balancer: Balancer, api_url: str) -> dict[str, Any]:
    """What the status says of the cloud: instances that have a machine, load balancers, mail, problems."""
    return {
        "api": api_url,
        "instances": [
            {
                "id": machine.instance.id,
                "phase": machine.phase,
                "pid": machine.process.pid,
                "address": machine.address,
                "zone": machine.instance.zone,
                "type": machine.instance.instance_type,
                "market": machine.instance.market,
                "group": machine.instance.autoscaling_group,
                "console": str(compute.cloud.console(machine.instance.id)),
            }
            for machine in compute.machines.values()
        ],
        "load_balancers": [
            {
                "name": item.name,
                "arn": item.arn,
                "address": compute.addresses.find(item.arn),
                "dns_name": item.dns_name,
                "listeners": [
                    {"port": listener.port, "protocol": listener.protocol} for listener in item.listeners
                ],
            }
            for item in views.load_balancers()
        ],
        "mail": [asdict(mail) for mail in list(sns.MAILBOX)[-_MAILS_SHOWN:]],
        "problems": list(balancer.problems()),
    }
