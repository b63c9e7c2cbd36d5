"""Messages in and out over standard input and output, without ever blocking the event loop.

pygls would read through a thread and write straight to the pipe: an editor that stops reading
would stop us. It would also end, or leave a request without an answer, at what is no message.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import sys
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

logger = logging.getLogger(__name__)

LARGEST = 256 * 1024 * 1024
"""Bytes in a message. More is no message but noise."""


class ParseError(Exception):
    """The client has sent what is no JSON object."""


async def open_input(stream: BinaryIO) -> asyncio.StreamReader:
    """A reader for a pipe, socket or terminal; for a file or /dev/null, one that has read it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1024 * 1024)
    if _can_be_waited_for(stream):
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
    else:
        reader.feed_data(await loop.run_in_executor(None, stream.read))
        reader.feed_eof()
    return reader


def _can_be_waited_for(stream: BinaryIO) -> bool:
    mode = os.fstat(stream.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stream.isatty()


async def open_output(stream: BinaryIO) -> Output:
    """A writer that takes everything at once and sends it as the client reads."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, stream)
    except ValueError:
        return Output(None, stream)
    return Output(transport, stream)


class Output:
    """What pygls writes to."""

    def __init__(self, transport: asyncio.WriteTransport | None, stream: BinaryIO) -> None:
        self._transport = transport
        self._stream = stream

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)
        else:
            self._stream.write(data)
            self._stream.flush()

    def close(self) -> None:
        """pygls closes at `exit`. The answers before it are still to go out: see `flush`."""

    async def flush(self, seconds: float) -> None:
        """Wait until the client has read everything, for so long at most."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._transport is not None and self._transport.get_write_buffer_size():
            if self._transport.is_closing() or loop.time() > deadline:
                return
            await asyncio.sleep(0.005)


async def read_messages(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, Any] | ParseError]:
    """Each message, or what was wrong in its place; ends at the end of the input."""
    while True:
        length = await _read_head(reader)
        if length is None:
            return
        try:
            body = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            yield ParseError(f"not JSON: {error}")
            continue
        if isinstance(message, dict):
            yield message
        else:
            yield ParseError(f"not a JSON object but {type(message).__name__}")


async def _read_head(reader: asyncio.StreamReader) -> int | None:
    """The length of the next body. Lines that are no header are passed over."""
    length: int | None = None
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as overrun:
            await reader.read(overrun.consumed)  # a line without an end: noise
            continue
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        line = line.strip()
        if not line:
            if length is not None:
                return length
            continue
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
            if length > LARGEST:
                logger.warning("A message of %d bytes: the client is not speaking LSP.", length)
                return None
        elif b":" not in line:
            logger.warning("The client has sent a line that is no header; passed over.")


def take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for the protocol alone.

    Whatever else prints, a library or a child process, goes to standard error.
    """
    protocol_in = os.fdopen(os.dup(0), "rb", buffering=0)
    protocol_out = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return protocol_in, protocol_out
