"""Child processes of an instance's init, with their output."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.embedded import processes

_CHUNK = 65536
_LAST_WORDS_SECONDS = 0.5


async def start(
    command: list[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    on_output: Callable[[bytes], object],
) -> tuple[asyncio.subprocess.Process, "asyncio.Task[None]"]:
    """Start a child that dies with this process, and a task that passes on its output as it comes.

    The pipe is ours, not asyncio's, whose `wait` would also wait for everything else that holds the pipe
    open: a child's own background processes. The task ends with the last of them.
    """
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *processes.dying_with_parent(command),
            env=environment,
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return process, asyncio.create_task(_copy(reading, on_output))


async def ended(process: asyncio.subprocess.Process, copying: "asyncio.Task[None]") -> int:
    """Wait for the end of a child, and a moment for its last words; returns its return code."""
    code = await process.wait()
    await asyncio.wait({copying}, timeout=_LAST_WORDS_SECONDS)
    return code


async def _copy(descriptor: int, on_output: Callable[[bytes], object]) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        while chunk := await reader.read(_CHUNK):
            on_output(chunk)
    finally:
        transport.close()
