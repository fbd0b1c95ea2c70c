"""Server-sent events, taken apart as their bytes arrive, however the network cut them.

Only `data` is kept: OpenAI's API uses nothing else. Lines end with LF or CRLF; a lone CR, which the standard
allows too, is not taken for an end. An event that the stream's end cut off is dropped, as the standard says.
"""


class EventParser:
    """Feed it bytes; it gives the data of each event that they complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> list[bytes]:
        """Data of the events that end in these bytes."""
        *lines, self._rest = (self._rest + received).split(b"\n")
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" ").removesuffix(b"\r"))
            elif self._data and line in (b"", b"\r"):
                events.append(b"\n".join(self._data))
                self._data.clear()
        return events
