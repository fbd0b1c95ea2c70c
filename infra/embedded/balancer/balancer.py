"""The load balancers of the emulated cloud, kept true: views in, Envoy's files and target health out.

Each round compares all there is with what Envoy was told; nothing about AWS is remembered. A listener that
can't be served never stops the others: it is left out, tried again each round, and named in `problems`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from infra.embedded.aws.faults import INJECTOR
from infra.embedded.aws.views import Listener, LoadBalancer
from infra.embedded.balancer import clusters, routes
from infra.embedded.balancer.cloud import Cloud, EmulatedAws
from infra.embedded.balancer.config import Configuration, Served, bootstrap, configuration
from infra.embedded.balancer.envoy import Envoy, Unreachable
from infra.embedded.balancer.feedback import Feedback
from infra.embedded.balancer.propagation import Propagation
from infra.embedded.balancer.resources import listener_name
from infra.embedded.balancer.sockets import obstacle


class Balancer:
    """Serves all application load balancers of an account.

    `address_of_instance` gives the address of an instance or function, or None while it has none;
    `allocate_address` a loopback address for a load balancer's ARN, always the same. All methods belong to
    the main thread, whose end is Envoy's end.
    """

    def __init__(
        self,
        directory: Path,
        address_of_instance: Callable[[str], str | None],
        allocate_address: Callable[[str], str],
        cloud: Cloud | None = None,
    ) -> None:
        self._address_of_instance = address_of_instance
        self._allocate_address = allocate_address
        self._cloud: Cloud = cloud or EmulatedAws()
        self._envoy = Envoy(directory)
        self._feedback = Feedback(self._cloud, directory / clusters.HEALTH_LOG, self._locate)
        self._told = Configuration()
        self._propagation = Propagation()
        self._problems: tuple[str, ...] = ()

    def start(self) -> None:
        """Make the folder ready; the first `reconcile` starts Envoy. Raises OSError if it can't be made."""
        self._envoy.prepare()

    def reconcile(self, now: float) -> None:
        """One round, at `now` (seconds on any clock); never waits for Envoy to start."""
        balancers = self._cloud.load_balancers()
        balancers = self._propagation.carried(balancers, now, INJECTOR.faults.propagation)
        served, problems = self._sort_out(balancers)
        wanted = configuration(balancers, served, self._locate)
        self._envoy.write(wanted.following(self._told).files())
        self._told = wanted
        self._envoy.ensure_running(bootstrap(), now)
        try:
            self._feedback.report(balancers, self._envoy.get("/clusters?format=json"))
            problems += self._refused(served)
            self._envoy.rotate_logs()
        except Unreachable as error:  # normal while it starts: it is asked again in the next round
            problems += self._death(error)
        self._problems = tuple(problems)

    def stop(self) -> None:
        """End Envoy."""
        self._envoy.stop()

    @property
    def envoy_pid(self) -> int | None:
        """Process id of Envoy, while there is one."""
        return self._envoy.pid

    def problems(self) -> tuple[str, ...]:
        """What can't be served at present, each with its remedy."""
        return self._problems

    def _locate(self, target_id: str) -> str | None:
        return self._address_of_instance(target_id) if target_id.startswith(("i-", "arn:")) else target_id

    def _sort_out(self, balancers: Iterable[LoadBalancer]) -> tuple[list[Served], list[str]]:
        """Give every load balancer its address; find what can be served, and what stands against the rest."""
        served: list[Served] = []
        problems: list[str] = []
        for balancer in balancers:
            address = self._allocate_address(balancer.arn)
            if balancer.dns_name != address:
                self._cloud.set_dns_name(balancer.arn, address)
            for listener in balancer.listeners:
                one = Served(balancer=balancer, listener=listener, address=address)
                if reason := self._obstacle(one):
                    problems.append(f"{_place(one)} is not served: {reason}")
                else:
                    served.append(one)
                    problems += [f"{_place(one)}: {what}" for what in _gaps(balancer, listener)]
        return served, problems

    def _obstacle(self, one: Served) -> str | None:
        if one.listener.protocol == "HTTPS" and one.listener.certificate is None:
            return "its certificate is not in ACM; import it or request one there"
        if listener_name(one.balancer, one.listener) in self._told.listeners:
            return None  # Envoy has the port already
        return obstacle(one.address, one.listener.port)

    def _refused(self, served: Iterable[Served]) -> list[str]:
        refused = self._envoy.refused_listeners()
        return [
            f"{_place(one)} is not served: Envoy refuses it: {refused[name]}"
            for one in served
            if (name := listener_name(one.balancer, one.listener)) in refused
        ]

    def _death(self, error: Unreachable) -> list[str]:
        if self._envoy.last_exit is None:
            return []
        status, output = self._envoy.last_exit, self._envoy.output
        return [f"{error}; its last process ended with status {status}, {output} may say why"]


def _place(one: Served) -> str:
    return f"load balancer {one.balancer.name}, port {one.listener.port} of {one.address}"


def _gaps(balancer: LoadBalancer, listener: Listener) -> list[str]:
    """What of a served listener is not as AWS would do it."""
    gaps = [what for rule in listener.rules if (what := routes.unsupported(rule))]
    return gaps + [what for group in balancer.target_groups if (what := clusters.unsupported(group))]
