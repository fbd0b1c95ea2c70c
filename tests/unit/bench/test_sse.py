"""Server-sent events, however the network cuts them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from infra.bench.sse import EventParser

STREAM = (
    b": a comment\n\nevent: message\nid: 1\ndata: {"
    b'"a": 1}\n\ndata:no space\r\n\r\ndata: two\ndata: lines\n\n\n\nretry: 10\n\ndata:  two spaces\n\n'
)
EVENTS = [b'{"a": 1}', b"no space", b"two\nlines", b" two spaces"]


def test_only_data_counts() -> None:
    """Comments, names, ids and empty events are the standard's, not the API's."""
    assert EventParser().feed(STREAM) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    """A packet may end anywhere, within a line end too."""
    parser = EventParser()
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[begin:end] for begin, end in pairwise(edges)]
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


def test_an_event_that_was_cut_off_is_dropped() -> None:
    """Half an event must not pass for a whole one."""
    assert EventParser().feed(b'data: {"a"') == []
    assert EventParser().feed(b"data: whole line, no blank one\n") == []
