"""New weights that reach the nodes one after another, through a real Envoy."""

from collections.abc import Iterator

import pytest

from infra.embedded.aws.faults import INJECTOR, Faults
from infra.embedded.balancer.propagation import NODES
from tests.fakes.load_balancing import forward, group, rules
from tests.functional.embedded_balancer.conftest import Site

pytestmark = pytest.mark.slow

SECONDS = 60.0
"""Until the last node knows; the balancer's clock is put forward."""


@pytest.fixture(autouse=True)
def slow_nodes() -> Iterator[None]:
    """Weights take a minute."""
    INJECTOR.set(Faults(propagation=SECONDS))
    yield
    INJECTOR.set(Faults())


def test_nodes_follow_one_after_another(site: Site) -> None:
    """At first all requests go where they went; then a node's part of them; in the end all go anew."""
    for name in ("i-blue", "i-green"):
        site.server(name)
    blue, green = group("blue", site.target("i-blue")), group("green", site.target("i-green"))
    site.serve(rules(default=forward((blue, 100), (green, 0))), blue, green)
    site.until_healthy("i-blue", "i-green")
    site.serve(rules(default=forward((blue, 0), (green, 100))), blue, green)
    site.round()
    assert set(site.names(30)) == {"i-blue"}
    site.ahead = SECONDS / NODES + 1
    site.until(lambda: set(site.names(30)) == {"i-blue", "i-green"})
    site.ahead = SECONDS + 1
    site.until(lambda: set(site.names(30)) == {"i-green"})
