"""Metrics of a load balancer, from the log of a real Envoy, against requests whose ends are known."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pytest

from infra.embedded.aws.views import FixedResponse, TargetGroup
from infra.embedded.balancer.metrics import TrafficMetrics, dimension
from tests.fakes.load_balancing import forward, group, path, rules
from tests.functional.embedded_balancer.conftest import Site

pytestmark = pytest.mark.slow

_DEADLINE_SECONDS = 10


class Recorder:
    """Keeps all values by metric and dimensions (names and values, sorted)."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, tuple[tuple[str, str], ...]], list[float]] = defaultdict(list)
        self.times: list[float] = []

    def __call__(
        self,
        account: str,
        region: str,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        values: Sequence[tuple[float, float]],
        at: float,
        unit: str = "None",
    ) -> None:
        """Take a datapoint."""
        assert (account, region, namespace) == ("123456789012", "us-east-1", "AWS/ApplicationELB")
        key = (name, tuple(sorted(dimensions.items())))
        self.times.append(at)
        for value, count in values:
            self.values[key] += [value] * int(count)

    def sums(self, *arns: str) -> dict[str, float]:
        """Sums of metrics with exactly the dimensions of these resources; not of times, hosts and zeros."""
        wanted = tuple(sorted(map(dimension, arns)))
        return {
            name: sum(values)
            for (name, dimensions), values in self.values.items()
            if dimensions == wanted and name not in ("TargetResponseTime", "HealthyHostCount") and any(values)
        }


class Traffic:
    """The metrics of a site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.seen = Recorder()
        self.metrics = TrafficMetrics(site.directory / "access.log", site.cloud.load_balancers, self.seen)

    def await_requests(self, number: int) -> None:
        """Wait until the log has this many requests, then publish."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while len((self.site.directory / "access.log").read_bytes().splitlines()) < number:
            assert time.monotonic() < deadline, "the log is short of requests"
            time.sleep(0.05)
        self.metrics.publish(time.time() + 3600)


@pytest.fixture
def traffic(site: Site) -> Iterator[Traffic]:
    """Metrics of the site, read from the beginning of its log."""
    one = Traffic(site)
    yield one
    one.metrics.stop()


def _dead(site: Site) -> TargetGroup:
    """A group whose only target refuses connections; nobody checks it."""
    site.server("i-dead").stop()
    return group("dead", site.target("i-dead"))


def test_every_request_is_counted_where_aws_counts_it(site: Site, traffic: Traffic) -> None:
    """Codes of targets and of the balancer, times, connections that failed: exactly what was sent.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """
    for name in ("i-1", "i-2"):
        site.server(name)
    live, dead, empty = group("live", site.target("i-1"), site.target("i-2")), _dead(site), group("empty")
    fixed = FixedResponse(status_code=404, content_type="text/plain", body="none")
    site.serve(
        rules(
            ((path("/dead"),), forward((dead, 1))),
            ((path("/empty"),), forward((empty, 1))),
            ((path("/fixed"),), fixed),
            default=forward((live, 1)),
        ),
        *(live, dead, empty),
    )
    site.until_healthy("i-1", "i-2")
    began = time.time()
    paths = {
        "/a": (4, 200),
        "/status/302": (1, 302),
        "/status/404": (2, 404),
        "/status/500": (1, 500),
        "/delay/0.3": (2, 200),
        "/broken": (1, 502),
        "/dead": (2, 502),
        "/empty": (3, 503),
        "/fixed": (1, 404),
    }
    for where, (number, status) in paths.items():
        assert {site.get(where).status for _ in range(number)} == {status}, where
    traffic.await_requests(sum(number for number, _ in paths.values()))
    balancer = site.cloud.balancers[0].arn
    assert traffic.seen.sums(balancer) == {
        "RequestCount": 13,
        "HTTPCode_Target_2XX_Count": 6,
        "HTTPCode_Target_3XX_Count": 1,
        "HTTPCode_Target_4XX_Count": 2,
        "HTTPCode_Target_5XX_Count": 1,
        "HTTPCode_ELB_4XX_Count": 1,
        "HTTP_Fixed_Response_Count": 1,
        "HTTPCode_ELB_5XX_Count": 6,
        "HTTPCode_ELB_502_Count": 3,
        "HTTPCode_ELB_503_Count": 3,
        "TargetConnectionErrorCount": 6,  # a connection that failed is tried twice more
    }
    assert traffic.seen.sums(balancer, live.arn) == {
        "RequestCount": 11,
        "RequestCountPerTarget": 5.5,
        "HTTPCode_Target_2XX_Count": 6,
        "HTTPCode_Target_3XX_Count": 1,
        "HTTPCode_Target_4XX_Count": 2,
        "HTTPCode_Target_5XX_Count": 1,
    }
    assert traffic.seen.sums(live.arn) == {"RequestCountPerTarget": 5.5}
    both = tuple(sorted(map(dimension, (balancer, live.arn))))
    times = sorted(traffic.seen.values[("TargetResponseTime", both)])
    assert len(times) == 10
    assert all(0 < seconds < 0.2 for seconds in times[:-2])
    assert all(0.3 <= seconds < 0.5 for seconds in times[-2:])
    assert traffic.seen.values[("HealthyHostCount", both)] == [2]
    assert all(int(began) <= at for at in traffic.seen.times)


def test_a_log_that_was_put_aside_is_read_to_its_end(site: Site, traffic: Traffic) -> None:
    """Rotation between two readings loses no request and counts none twice."""
    site.server("i-1")
    one = group("live", site.target("i-1"))
    site.forward_to(one)
    site.until_healthy("i-1")
    log = site.directory / "access.log"
    site.get("/a")
    traffic.await_requests(1)
    site.get("/b")
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while len(log.read_bytes().splitlines()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    log.rename(log.with_name("access.log.1"))
    site.balancer._envoy._request("POST", "/reopen_logs")
    site.get("/c")
    while not log.exists() or not log.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    traffic.metrics.publish(time.time() + 7200)
    assert traffic.seen.sums(site.cloud.balancers[0].arn)["RequestCount"] == 3


def test_a_client_that_leaves_is_the_balancers_460(site: Site, traffic: Traffic) -> None:
    """Who hangs up before the answer counts as an error of the client, not of the target."""
    site.server("i-1")
    one = group("live", site.target("i-1"))
    site.forward_to(one)
    site.until_healthy("i-1")
    connection = site.connect()
    connection.request("GET", "/delay/5")
    time.sleep(0.3)
    connection.close()
    traffic.await_requests(1)
    assert traffic.seen.sums(site.cloud.balancers[0].arn) == {"RequestCount": 1, "HTTPCode_ELB_4XX_Count": 1}


def test_targets_without_requests_are_told_of_each_minute(site: Site, traffic: Traffic) -> None:
    """Requests and codes are 0 while there are targets; of a group without any, nothing is said.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """
    site.server("i-1")
    one, empty = group("live", site.target("i-1")), group("empty")
    site.serve(rules(((path("/e"),), forward((empty, 1))), default=forward((one, 1))), one, empty)
    site.until_healthy("i-1")
    now = time.time() // 60 * 60
    for seconds in (3600, 3601, 3660):
        traffic.metrics.publish(now + seconds)
    balancer = site.cloud.balancers[0].arn
    both = tuple(sorted(map(dimension, (balancer, one.arn))))
    zeros = ["RequestCount", *(f"HTTPCode_Target_{kind}XX_Count" for kind in (2, 3, 4, 5))]
    assert {
        name: values for (name, dimensions), values in traffic.seen.values.items() if dimensions == both
    } == {
        "HealthyHostCount": [1, 1],
        "UnHealthyHostCount": [0, 0],
        "RequestCountPerTarget": [0, 0],
        **{name: [0, 0] for name in zeros},
    }
    assert {dimensions for _, dimensions in traffic.seen.values} == {
        both,
        (dimension(balancer),),
        (dimension(one.arn),),
    }
