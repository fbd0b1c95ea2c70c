"""Under load, every figure that is shown agrees with what the client measured. On simulators."""

import sys
from collections.abc import Iterator

import pytest

from tests.e2e.agreement import ENVIRONMENT, NAME, measure, table
from tests.e2e.harness import Project, project

TOLERANCE = 0.05

pytestmark = [pytest.mark.terraform, pytest.mark.slow, pytest.mark.xdist_group(NAME)]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A deployed environment whose requests are timed by the proxy on each replica."""
    with project(tmp_path_factory.mktemp(NAME), NAME, ENVIRONMENT.format(times="proxy")) as made:
        made.ok("deploy", "--env", NAME, "--yes")
        yield made


def test_every_figure_agrees_with_the_client(deployed: Project) -> None:
    """Rates, percentiles, tokens and errors, of model and release, within 5 % of what `bench` measured."""
    pairs = measure(deployed)
    sys.stdout.write(f"\n{table(pairs)}\n")  # shown by pytest -rP, and whenever it fails
    assert len(pairs) == 39
    assert not [pair for pair in pairs if pair.difference > TOLERANCE]


def test_the_plan_is_empty(deployed: Project) -> None:
    """The proxy's port and its configuration are nothing that Terraform sees as drift."""
    assert deployed.run("plan", "--env", NAME).code == 0
