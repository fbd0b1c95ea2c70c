"""A VPC with a public and a private subnet in each zone, and a way out for the private ones.

Instances live in the private subnets and have no public address; only the load balancer is in the public
ones. Subnet ranges follow from the zone's letter alone, so that adding a zone moves no other subnet. An
environment may use a network that exists instead: then nothing of it is created or changed.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from constructs import Construct

from infra.environment import names
from infra.errors import Refused
from modules.bindings.aws.eip import Eip
from modules.bindings.aws.internet_gateway import InternetGateway
from modules.bindings.aws.nat_gateway import NatGateway
from modules.bindings.aws.route import Route
from modules.bindings.aws.route_table import RouteTable
from modules.bindings.aws.route_table_association import RouteTableAssociation
from modules.bindings.aws.subnet import Subnet
from modules.bindings.aws.vpc import Vpc
from modules.bindings.aws.vpc_endpoint import VpcEndpoint
from modules.bindings.base import Resource

Egress = Literal["nat", "nat-per-zone", "endpoints"]

_ZONES = 8
"""Zones that a VPC has room for: a private and a public subnet in each, all of one size."""
_ANYWHERE = "0.0.0.0/0"


class Network(Protocol):
    """What the other constructs need of a network."""

    @property
    def vpc_id(self) -> str:
        """The VPC."""

    @property
    def public_subnets(self) -> Sequence[str]:
        """Subnets of the load balancer."""

    @property
    def gateways(self) -> Sequence[Resource]:
        """What must exist before a load balancer can face the internet."""

    def private_subnets(self, zones: Sequence[str]) -> Sequence[str]:
        """Subnets for instances in these zones."""


@dataclass(frozen=True)
class ExistingNetwork:
    """A network that someone else owns. Its subnets' zones aren't known: all of them are used."""

    vpc_id: str
    private: tuple[str, ...]
    public_subnets: tuple[str, ...]
    gateways: tuple[Resource, ...] = ()

    def private_subnets(self, zones: Sequence[str]) -> Sequence[str]:
        """All private subnets, whatever the zones."""
        return self.private


class OwnNetwork(Construct):
    """A network of the environment's own."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        region: str,
        cidr: str,
        zones: Sequence[str],
        egress: Egress,
    ) -> None:
        super().__init__(scope, id_)
        self._prefix = names.stack(environment)
        self._cidr = cidr
        vpc = Vpc(
            self,
            "vpc",
            cidr_block=cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": self._prefix},
        )
        self.vpc_id: str = vpc.id
        gateway = InternetGateway(self, "internet", vpc_id=vpc.id, tags={"Name": self._prefix})
        self.gateways: Sequence[Resource] = (gateway,)
        self._public = self._public_side(zones, gateway)
        self._private, tables = self._private_side(zones)
        self.public_subnets: Sequence[str] = [subnet.id for subnet in self._public.values()]
        self._gateway_endpoints(region, tables)
        if egress != "endpoints":
            self._nat(zones if egress == "nat-per-zone" else zones[:1], tables, gateway)

    def private_subnets(self, zones: Sequence[str]) -> Sequence[str]:
        """Subnets in these zones, which must be among the network's."""
        return [self._private[zone].id for zone in zones]

    def _public_side(self, zones: Sequence[str], gateway: InternetGateway) -> dict[str, Subnet]:
        table = RouteTable(self, "routes_public", vpc_id=self.vpc_id, tags={"Name": f"{self._prefix}-public"})
        Route(
            self,
            "public_internet",
            route_table_id=table.id,
            destination_cidr_block=_ANYWHERE,
            gateway_id=gateway.id,
        )
        return {zone: self._subnet("public", zone, table) for zone in zones}

    def _private_side(self, zones: Sequence[str]) -> tuple[dict[str, Subnet], dict[str, RouteTable]]:
        tables = {
            zone: RouteTable(
                self,
                f"routes_private_{zone}",
                vpc_id=self.vpc_id,
                tags={"Name": f"{self._prefix}-private-{zone}"},
            )
            for zone in zones
        }
        return {zone: self._subnet("private", zone, tables[zone]) for zone in zones}, tables

    def _subnet(self, side: Literal["private", "public"], zone: str, table: RouteTable) -> Subnet:
        subnet = Subnet(
            self,
            f"{side}_{zone}",
            vpc_id=self.vpc_id,
            availability_zone=zone,
            cidr_block=subnet_range(self._cidr, zone, side),
            map_public_ip_on_launch=False,
            tags={"Name": f"{self._prefix}-{side}-{zone}"},
        )
        RouteTableAssociation(self, f"routed_{side}_{zone}", subnet_id=subnet.id, route_table_id=table.id)
        return subnet

    def _gateway_endpoints(self, region: str, tables: dict[str, RouteTable]) -> None:
        """The two services with endpoints that cost nothing: their traffic passes no NAT gateway."""
        for service in ("s3", "dynamodb"):
            VpcEndpoint(
                self,
                service,
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Gateway",
                route_table_ids=[table.id for table in tables.values()],
                tags={"Name": f"{self._prefix}-{service}"},
            )

    def _nat(self, homes: Sequence[str], tables: dict[str, RouteTable], internet: InternetGateway) -> None:
        """A NAT gateway in each home; zones without one of their own use the first."""
        gateways = {}
        for zone in homes:
            name = {"Name": f"{self._prefix}-{zone}"}
            address = Eip(self, f"address_{zone}", domain="vpc", tags=name, depends_on=[internet])
            gateways[zone] = NatGateway(
                self,
                f"nat_{zone}",
                allocation_id=address.id,
                subnet_id=self._public[zone].id,
                tags=name,
                depends_on=[internet],
            )
        for zone, table in tables.items():
            Route(
                self,
                f"private_internet_{zone}",
                route_table_id=table.id,
                destination_cidr_block=_ANYWHERE,
                nat_gateway_id=gateways.get(zone, gateways[homes[0]]).id,
            )


def subnet_range(cidr: str, zone: str, side: Literal["private", "public"]) -> str:
    """Range of a zone's subnet: sixteenths of the VPC's, by the zone's letter, private ones first.

    With 10.0.0.0/16, zone b has 10.0.16.0/20 (private) and 10.0.144.0/20 (public). Raises `Refused` for a
    zone whose letter is beyond h, or which is a local zone.
    """
    index = ord(zone[-1]) - ord("a")
    if not 0 <= index < _ZONES or not zone[-2].isdigit():
        raise Refused(f"no subnet range for zone {zone}", hint="use zones a to h of the region")
    sixteenths = list(ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=4))
    return str(sixteenths[index + (_ZONES if side == "public" else 0)])
