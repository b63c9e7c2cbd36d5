"""Messages in and out of byte streams, without a server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
from typing import Any

import pytest

from hotplate.lsp.transport import ParseError, open_input, open_output, read_messages


def frame(message: Any) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


async def read(data: bytes, pieces: int | None = None) -> list[Any]:
    """What comes of some bytes, fed in pieces of a size."""
    reader = asyncio.StreamReader(limit=1024)
    step = pieces or len(data) or 1

    async def feed() -> None:
        for start in range(0, len(data), step):
            reader.feed_data(data[start : start + step])
            await asyncio.sleep(0)
        reader.feed_eof()

    feeding = asyncio.create_task(feed())
    found = [
        "error" if isinstance(message, ParseError) else message
        async for message in read_messages(reader)
    ]
    await feeding
    return found


@pytest.mark.parametrize("pieces", [1, 2, 7, 64, None])
async def test_messages_in_any_pieces(pieces: int | None) -> None:
    messages = [{"a": 1}, {"b": "ü" * 500}, {}, {"c": [None]}]
    assert await read(b"".join(map(frame, messages)), pieces) == messages


@pytest.mark.parametrize(
    ("noise", "errors"),
    [
        (b"", 0),
        (b"\r\n\r\n", 0),
        (b"noise\r\n", 0),
        (b"x" * 5000 + b"\n", 0),
        (b"Content-Type: x\r\n\r\n", 0),
        (b"Content-Length: x\r\n\r\n", 0),
        (b"Content-Length: -1\r\n\r\n", 0),
        (b"Content-Length: 0\r\n\r\n", 1),
        (b"Content-Length: 3\r\n\r\nabc", 1),
        (b"Content-Length: 2\r\n\r\n[]", 1),
        (b"Content-Length: 4\r\n\r\n\xff\xff\xff\xff", 1),
        (b"Content-Length: 90000\r\n\r\n" + b"[" * 90_000, 1),
    ],
)
@pytest.mark.parametrize("pieces", [3, None])
async def test_noise_between_messages(noise: bytes, errors: int, pieces: int | None) -> None:
    data = frame({"a": 1}) + noise + frame({"b": 2})
    if len(data) > 10_000 and pieces:
        pieces = 1000
    assert await read(data, pieces) == [{"a": 1}, *["error"] * errors, {"b": 2}]


@pytest.mark.parametrize("cut", range(1, 20))
async def test_a_message_that_is_cut_off_is_none(cut: int) -> None:
    assert await read(frame({"a": 1}) + frame({"b": 2})[:-cut]) == [{"a": 1}]


async def test_a_length_beyond_all_measure_ends_it() -> None:
    assert await read(b"Content-Length: 9999999999\r\n\r\n" + frame({"a": 1})) == []


async def test_input_from_a_pipe_a_socket_and_a_file() -> None:
    data = frame({"a": 1})
    read_end, write_end = os.pipe()
    os.write(write_end, data)
    os.close(write_end)
    ours, theirs = socket.socketpair()
    theirs.sendall(data)
    theirs.close()
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by its reader
    file.write(data)
    file.seek(0)
    for stream in (
        os.fdopen(read_end, "rb", buffering=0),
        os.fdopen(ours.detach(), "rb", buffering=0),
        file,
    ):
        reader = await open_input(stream)
        assert [message async for message in read_messages(reader)] == [{"a": 1}]


async def test_input_from_nowhere_is_at_its_end() -> None:
    """What a service manager gives to a program that it starts."""
    with open(os.devnull, "rb", buffering=0) as nothing:
        reader = await open_input(nothing)
        assert [each async for each in read_messages(reader)] == []


async def test_output_waits_for_a_client_that_does_not_read() -> None:
    read_end, write_end = os.pipe()
    output = await open_output(os.fdopen(write_end, "wb", buffering=0))
    data = bytes(range(256)) * 8192
    output.write(data)
    await output.flush(0.01)
    received = bytearray()

    def take() -> None:
        while len(received) < len(data):
            received.extend(os.read(read_end, 65536))

    await asyncio.gather(asyncio.to_thread(take), output.flush(30))
    assert received == data
    os.close(read_end)


async def test_output_to_a_client_that_is_gone() -> None:
    read_end, write_end = os.pipe()
    output = await open_output(os.fdopen(write_end, "wb", buffering=0))
    os.close(read_end)
    for _ in range(10):
        output.write(b"x" * 100_000)
    await output.flush(5)


async def test_output_to_a_file() -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        output = await open_output(file)
        output.write(b"one")
        output.write(b"two")
        await output.flush(1)
        file.seek(0)
        assert file.read() == b"onetwo"
