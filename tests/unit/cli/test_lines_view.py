"""Log lines and events for people and for programs."""

import json
from datetime import UTC, datetime

import pytest

from cli.render.events import print_event
from cli.render.logs import print_line, readable
from infra.deploy.events import Event
from infra.deploy.types import LogLine

TIME = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
EVENT = Event(time=TIME, id="1", actor="ann@laptop", action="Resize", target="chat-blue", result="done")


def line(text: str, source: str) -> LogLine:
    """A line of `chat`."""
    return LogLine(time=TIME, model="chat", replica="i-1", source=source, text=text, id="1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"time": "t", "level": "info", "message": "phase", "phase": "healthy"}', "phase phase=healthy"),
        ('{"message": "fetched", "seconds": 1.5, "from": "a b"}', 'fetched seconds=1.5 from="a b"'),
        ('{"message": "ended", "detail": ""}', 'ended detail=""'),
        ('{"level": "error", "message": "no", "exception": "Traceback"}', "error: no\nTraceback"),
        ('{"something": "else"}', '{"something": "else"}'),
        ("[1, 2]", "[1, 2]"),
        ("plain text", "plain text"),
    ],
)
def test_agents_lines_are_sentences(text: str, shown: str) -> None:
    """The message first, then its fields; what isn't an agent's record stays as it is."""
    assert _plain(readable(text)) == shown


def _plain(text: str) -> str:
    import click

    return click.unstyle(text)


def test_engines_lines_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """An engine's own JSON, with its request ids, is not ours to rewrite."""
    text = '{"message": "POST", "request_id": "abc"}'
    print_line(line(text, "engine"), as_json=False)
    assert capsys.readouterr().out == f"12:00:00 chat i-1 engine {text}\n"


def test_lines_and_events_are_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, with the text as it was logged."""
    print_line(line('{"message": "x"}', "agent"), as_json=True)
    print_event(EVENT, as_json=True)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["source"], first["text"]) == ("agent", '{"message": "x"}')
    assert second == {
        "time": "2026-01-01T12:00:00Z",
        "id": "1",
        "actor": "ann@laptop",
        "action": "Resize",
        "target": "chat-blue",
        "result": "done",
    }


def test_events_say_who_did_what_and_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    """One line an event."""
    print_event(EVENT, as_json=False)
    assert capsys.readouterr().out.endswith(" ann@laptop Resize chat-blue - done\n")
