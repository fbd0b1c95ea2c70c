"""Follows a log that another process writes and that may be put aside at any time.

The file is held open, so that what was written to it before it was put aside is still read.
"""

import os
from io import BufferedReader
from pathlib import Path


class Tail:
    """Gives each complete line once. The file needn't exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedReader | None = None
        self._rest = b""

    def lines(self) -> list[bytes]:
        """Lines that were completed since the last call."""
        data = self._rest + self._read()
        if self._moved_on():
            data += self._read() + self._end_of_file() + self._read()
        complete, _, self._rest = data.rpartition(b"\n")
        return complete.splitlines()

    def _read(self) -> bytes:
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return b""
        return self._file.read()

    def _moved_on(self) -> bool:
        """Whether the writer has another file by this name."""
        if self._file is None:
            return False
        try:
            current = self._path.stat()
        except FileNotFoundError:
            return False
        return not os.path.samestat(current, os.fstat(self._file.fileno()))

    def _end_of_file(self) -> bytes:
        """Leave the old file; its last line is complete, whatever it ends with."""
        if self._file is not None:
            self._file.close()
        self._file = None
        return b"\n"

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._file = None
