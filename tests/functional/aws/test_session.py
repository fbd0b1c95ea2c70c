"""What people are told when nobody answers."""

import pytest

from infra.aws.session import Session
from infra.errors import LlmctlError
from tests.functional.aws.conftest import VARIABLES


@pytest.mark.parametrize(
    ("variables", "remedy"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.28.0.1:9"}, "`llmctl local up NAME` starts it"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "`llmctl local up NAME` starts it"),
        ({"AWS_ENDPOINT_URL": "http://name.invalid:9"}, "check the network"),
    ],
)
def test_an_embedded_cloud_that_is_down_is_told_from_a_broken_network(
    variables: dict[str, str], remedy: str
) -> None:
    """Every embedded cloud has an address of its own in 127/8: nobody there means that it doesn't run."""
    with pytest.raises(LlmctlError) as error:
        _ = Session("us-east-1", {**VARIABLES, **variables}, attempts=1).account
    assert remedy in error.value.hint
