"""Which jobs of which repository may act on an environment."""

import pytest

from infra.environment import names
from infra.environment.github import May, repository, role, stack
from infra.errors import Refused


def test_subjects() -> None:
    """Plans are for pull requests and main; changes only for what GitHub's protection rules have let pass."""
    ours = repository("octo-org/llm")
    assert ours.subjects("staging", May.APPLY) == ("repo:octo-org/llm:environment:staging",)
    assert ours.subjects("staging", May.PLAN) == (
        "repo:octo-org/llm:pull_request",
        "repo:octo-org/llm:ref:refs/heads/main",
    )


def test_repositories_with_numbers() -> None:
    """A repository made after July 2026 has its numbers in its name, and is trusted under just those."""
    assert repository("o@12/r@34").subjects("x", May.APPLY) == ("repo:o@12/r@34:environment:x",)


@pytest.mark.parametrize(
    "text", ["", "o", "o/*", "*/r", "o/r:environment:x", "o/r/s", "o@1/r", "o/r\n", "ö/r"]
)
def test_what_could_mean_others_is_refused(text: str) -> None:
    """A pattern, a longer subject or half a name would trust more jobs than were meant."""
    with pytest.raises(Refused):
        repository(text)


def test_roles_of_jobs_are_not_the_environments() -> None:
    """The apply role may change what is called like the environment: its own name must not begin so."""
    for may in May:
        assert not role("staging", may).startswith(names.stack(""))
    assert len(role("x" * 80, May.APPLY)) <= 64
    assert len({role(each, may) for each in ("a", "a-plan", "a-apply") for may in May}) == 6


def test_its_stack_is_no_environment() -> None:
    """Run directories and stacks are called like environments: this one's name can't be one."""
    assert "_" in stack("staging")
