"""What a comment says, and which one it is."""

from hypothesis import given
from hypothesis import strategies as st

from infra.ci.comments import Comment, Upsert, compose, decide

_MARK = "<!-- llmctl:plan:x -->"


def test_short_text_is_not_folded() -> None:
    """Folding three lines would hide them for nothing."""
    text = compose("**1** to add\n\n- a\n- b", mark=_MARK, footer="end", limit=1000)
    assert text == f"{_MARK}\n**1** to add\n\n- a\n- b\n\nend\n"


def test_long_details_are_folded() -> None:
    """The first paragraph is the summary; a long rest is there on demand."""
    rest = "\n".join(f"- {n}" for n in range(50))
    text = compose(f"summary\n\n{rest}", mark=_MARK, footer="end", limit=10_000)
    assert text.startswith(f"{_MARK}\nsummary\n\n<details><summary>Details</summary>\n\n- 0\n")
    assert text.endswith("- 49\n\n</details>\n\nend\n")


def test_what_folds_itself_stays() -> None:
    """A plan knows its own parts better."""
    body = "summary\n\n<details><summary>chat</summary>\n\n" + "- x\n" * 50 + "\n</details>"
    assert compose(body, mark=_MARK, footer="end", limit=10_000) == f"{_MARK}\n{body}\n\nend\n"


_LINES = st.sampled_from(["text", "```", "<details>", "</details>", "", "+ a" * 20, "ü" * 30])


@given(st.lists(_LINES, max_size=200), st.integers(600, 3000))
def test_never_longer_than_the_limit(lines: list[str], limit: int) -> None:
    """Whatever a plan holds, the comment is accepted by the host, and begins with its mark."""
    text = compose("\n".join(lines), mark=_MARK, footer="end", limit=limit)
    assert len(text) <= limit
    assert text.startswith(f"{_MARK}\n")
    assert text.endswith("\n\nend\n")


def test_line_ends_of_the_host_are_no_change() -> None:
    """GitHub gives back what people edited with other line ends: that is no reason to write."""
    there = Comment(id=1, author="us", body=f"{_MARK}\r\na\r\n")
    assert decide([there], author="us", mark=_MARK, body=f"{_MARK}\na\n") == Upsert()
