"""Everything that Envoy must know, from views of the account: pure, and byte-stable for equal views.

Resources are grouped by the order in which Envoy must learn of them: endpoints before the clusters that read
them, clusters before the routes that name them, routes before listeners.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from infra.embedded.aws.views import Listener, LoadBalancer
from infra.embedded.balancer import clusters, listeners, routes
from infra.embedded.balancer.resources import Json, cluster_name, file_source, listener_name, typed

BOOTSTRAP_FILE = "bootstrap.json"
ADMIN_SOCKET = "admin.sock"

_CLUSTERS_FILE = "cds.json"
_LISTENERS_FILE = "lds.json"
_BUCKETS_MS = (
    1,
    5,
    10,
    25,
    50,
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    3_600_000,
)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A listener that can be served, at its load balancer's address."""

    balancer: LoadBalancer
    listener: Listener
    address: str


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Envoy's dynamic resources by name."""

    endpoints: Mapping[str, Json] = field(default_factory=dict)
    clusters: Mapping[str, Json] = field(default_factory=dict)
    routes: Mapping[str, Json] = field(default_factory=dict)
    listeners: Mapping[str, Json] = field(default_factory=dict)

    def following(self, previous: "Configuration") -> "Configuration":
        """Keep what only the previous configuration had for one more round, out of use.

        Envoy reads its files one by one: a cluster that went in the same moment as the last route to it could
        be missed by a request.
        """
        return Configuration(
            endpoints={**previous.endpoints, **self.endpoints},
            clusters={**previous.clusters, **self.clusters},
            routes={**previous.routes, **self.routes},
            listeners=self.listeners,
        )

    def files(self) -> dict[str, bytes]:
        """Content of each file by its path, in the order in which they must be written."""
        return {
            **{
                clusters.endpoints_file(name): _file("endpoint.v3.ClusterLoadAssignment", [resource])
                for name, resource in sorted(self.endpoints.items())
            },
            _CLUSTERS_FILE: _file("cluster.v3.Cluster", _by_name(self.clusters)),
            **{
                listeners.routes_file(name): _file("route.v3.RouteConfiguration", [resource])
                for name, resource in sorted(self.routes.items())
            },
            _LISTENERS_FILE: _file("listener.v3.Listener", _by_name(self.listeners)),
        }


def configuration(
    balancers: Iterable[LoadBalancer], served: Iterable[Served], locate: clusters.Locate
) -> Configuration:
    """All target groups of the load balancers, and those listeners that can be served."""
    groups = {group.arn: group for balancer in balancers for group in balancer.target_groups}
    names = {arn: cluster_name(group) for arn, group in groups.items()}
    listening = {listener_name(one.balancer, one.listener): one for one in served}
    return Configuration(
        endpoints={names[arn]: clusters.endpoints(group, locate) for arn, group in groups.items()},
        clusters={names[arn]: clusters.cluster(group) for arn, group in groups.items()},
        routes={
            name: routes.route_configuration(one.balancer, one.listener, names)
            for name, one in listening.items()
        },
        listeners={
            name: listeners.listener(one.balancer, one.listener, one.address)
            for name, one in listening.items()
        },
    )


def bootstrap() -> bytes:
    """What Envoy starts with; all else it reads from files. Paths are relative to its working directory."""
    return encode(
        {
            "node": {"id": "balancer", "cluster": "balancer"},
            "admin": {"address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}}},
            "dynamic_resources": {
                "cds_config": file_source(_CLUSTERS_FILE),
                "lds_config": file_source(_LISTENERS_FILE),
            },
            # Histograms merge at this pace.
            "stats_flush_interval": "1s",
            "stats_config": {
                "histogram_bucket_settings": [
                    {"match": {"prefix": "cluster."}, "buckets": list(_BUCKETS_MS)},
                ]
            },
        }
    )


def encode(document: Json) -> bytes:
    """JSON that is the same for equal documents."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _by_name(resources: Mapping[str, Json]) -> list[Json]:
    return [resources[name] for name in sorted(resources)]


def _file(kind: str, resources: list[Json]) -> bytes:
    name = f"envoy.config.{kind}"
    return encode({"resources": [typed(name, **resource) for resource in resources]})
