"""How fixes get into moto."""

import pytest

from infra.embedded.aws.patching import add, override, replace


class Victim:
    """Stands in for one of moto's classes."""

    def answer(self) -> int:
        """Return a number."""
        return 1


def test_replace_hands_over_the_original() -> None:
    """A fix can build on what was there."""
    class_ = type("Copy", (Victim,), {"answer": Victim.answer})
    replace(class_, "answer", lambda original: lambda self: original(self) + 1)
    assert class_().answer() == 2


def test_override_of_what_is_not_there_is_an_error() -> None:
    """A fix that would hit nothing is noticed at start."""
    with pytest.raises(AttributeError):
        override(Victim, "nothing", None)


def test_addition_of_what_is_there_is_an_error() -> None:
    """An addition that moto has made superfluous is noticed at start."""
    with pytest.raises(AttributeError, match=r"Victim\.answer"):
        add(Victim, "answer", None)
