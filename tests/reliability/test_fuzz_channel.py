"""The line between server and agent, from both of its ends: nothing that comes on it crashes or
hangs either, and nothing of it is kept.

`HOTPLATE_FUZZ=100000` makes it that many messages in each of the tests.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from agent.conftest import Start, python, start
from agent.driver import Agent, write
from hotplate_agent import messages as m
from hotplate_agent.channel import Decoder, ProtocolError, encode, rights
from reliability.agent_corpus import TO_AGENT, good, wire
from reliability.mutate import dumps, mutate, scramble
from reliability.rogue import SENTENCES, understood
from reliability.test_fuzz_lsp import SEED, held
from support.processes import describe, marked, needs_proc
from support.raw import RawServer
from support.session import SERVER, free_port, get

__all__ = ["python", "start"]
MESSAGES = int(os.environ.get("HOTPLATE_FUZZ", "4000"))
TESTS = Path(__file__).resolve().parents[1]

APP = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""


def frames(chance: random.Random, count: int, samples: list[dict[str, Any]]) -> Iterator[bytes]:
    for _ in range(count):
        body = dumps(mutate(chance, chance.choice(samples)))
        if chance.random() < 0.4:
            body = scramble(chance, body)
        size = len(body)
        if chance.random() < 0.05:
            size = chance.choice((0, 3, size - 1, size + 1, 2**31, 2**32 - 1))
        yield max(0, size).to_bytes(4, "big") + body


def fits(value: Any, hint: Any) -> bool:
    inner = getattr(hint, "__args__", None) or ()
    if type(None) in inner:
        return value is None or fits(value, inner[0])
    origin = getattr(hint, "__origin__", hint)
    if origin is list:
        return isinstance(value, list) and all(fits(each, inner[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            fits(k, inner[0]) and fits(v, inner[1]) for k, v in value.items()
        )
    if hasattr(origin, "_fields"):
        return isinstance(value, origin) and fits_all(value)
    return type(value) is origin


def fits_all(message: Any) -> bool:
    hints = get_type_hints(type(message))
    return all(fits(getattr(message, name), hint) for name, hint in hints.items())


@pytest.mark.parametrize("cls", m.MESSAGES.values(), ids=lambda cls: cls.__name__)
def test_what_is_said_is_understood(cls: type[Any]) -> None:
    message = good(cls)
    assert fits_all(message)
    ((heard, _descriptor),) = Decoder().feed(encode(message), [0])
    assert heard == message


@pytest.mark.timeout(60 + MESSAGES // 200)
def test_what_is_understood_is_what_was_meant() -> None:
    """Of the right types, or no message; and no descriptor is left open."""
    chance = random.Random(SEED)
    before = set(os.listdir("/dev/fd"))
    meant = 0
    for data in frames(chance, MESSAGES, wire()):
        decoder = Decoder()
        descriptors = [os.dup(0)] if chance.random() < 0.3 else []
        at = chance.randrange(len(data) + 1)
        try:
            for piece, beside in ((data[:at], descriptors), (data[at:], [])):
                for message, descriptor in decoder.feed(piece, beside):
                    meant += 1
                    assert fits_all(message), message
                    if descriptor is not None:
                        os.close(descriptor)
        except ProtocolError:
            pass
        decoder.close()
    assert MESSAGES // 50 < meant < MESSAGES
    assert set(os.listdir("/dev/fd")) == before


@needs_proc
@pytest.mark.timeout(100 + MESSAGES // 20)
async def test_an_agent_that_talks_nonsense(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], tmp_path: Path
) -> None:
    """What is no message ends it, as a failed start. What is one, and absurd, does no harm."""
    count, interpreter = tmp_path / "count", tmp_path / "python"
    count.touch()
    interpreter.write_text(
        f'#!/bin/sh\nexec {sys.executable} {TESTS / "reliability" / "rogue.py"} "$@"\n'
    )
    interpreter.chmod(0o755)
    folder, port = project({"app.py": APP}), free_port()
    server = raw_server(folder)
    path = os.pathsep.join([str(SERVER), str(TESTS)])
    env = {"PYTHONPATH": path, "ROGUE_COUNT": str(count), "ROGUE_SEED": str(SEED)}
    await server.spawn(env=env)
    await server.initialize({"port": port, "interpreter": str(interpreter), "startSeconds": 5})
    middle = (0, 0, 0)
    rounds = 0
    begun = time.monotonic()
    while count.stat().st_size < MESSAGES:
        await asyncio.wait_for(another(server, count), 30)
        for _ in range(5):
            await server.is_responsive()
        await server.command("restart")
        server.received.clear()
        rounds += 1
        if count.stat().st_size >= MESSAGES // 2 and not middle[0]:
            middle = held(server.process.pid)
    took = time.monotonic() - begun
    settings = {"port": port, "interpreter": sys.executable}
    server.notify("workspace/didChangeConfiguration", {"settings": {"hotplate": settings}})
    await server.is_responsive()
    server.received.clear()
    await server.command("restart")
    url = (await server.state("running"))["url"]
    assert await asyncio.to_thread(get, url) == (200, "hello")
    end = held(server.process.pid)
    print(
        f"\n{count.stat().st_size} messages of {rounds} processes in {took:.0f} s; "
        f"memory {middle[0] >> 20} -> {end[0] >> 20} MB, files {middle[1]} -> {end[1]}"
    )
    assert end[0] - middle[0] < 24 * 1024 * 1024
    assert end[1] <= middle[1] + 12
    assert len(marked(server.mark)) <= 4, describe(marked(server.mark))


async def another(server: RawServer, count: Path) -> None:
    """Wait until one more process has begun to talk, with the server answering meanwhile."""
    before = count.stat().st_size
    while count.stat().st_size == before:
        await server.is_responsive()


def tell(agent: Agent, data: bytes, descriptor: int | None) -> bool:
    """Whether it could be said; else the agent has ended."""
    try:
        beside = rights(descriptor) if descriptor is not None else []
        sent = agent.channel.sendmsg([data], beside)
        agent.channel.sendall(data[sent:])
    except OSError:
        return False
    return True


@pytest.mark.timeout(100 + MESSAGES // 20)
def test_a_server_that_talks_nonsense(start: Start, tmp_path: Path) -> None:
    """An agent that serves goes on serving, or it ends; it never hangs."""
    write(tmp_path, {"app.py": APP})
    chance = random.Random(SEED)
    samples = wire(*TO_AGENT)
    said = served = ended = 0
    while said < MESSAGES:
        agent = start()
        agent.serve()
        agent.channel.settimeout(20)
        alive = True
        for _ in range(min(SENTENCES, MESSAGES - said)):
            message = mutate(chance, chance.choice(samples), keep=("type",))
            data = dumps(message)
            data = len(data).to_bytes(4, "big") + data
            said += 1
            if not understood(data):
                continue
            one, other = socket.socketpair()
            carries = message["type"] in ("Grant", "Connection", "Fork", "Take")
            alive = tell(agent, data, one.fileno() if carries else None)
            one.close()
            other.close()
            if said % 50 == 0:
                agent.hear_what_came()
            if not alive:
                break
        agent.hear_what_came()
        if alive and agent.process.poll() is None:
            served += 1
            assert agent.get().text == "hello", agent.told()
            # And what is no message at all ends it.
            tell(agent, chance.choice((b"\xff" * 8, b"\0\0\0\2{}", b"\0\0\0\x09[[[[[[[[[")), None)
        ended += 1
        agent.wait(20)
        agent.close()
    print(f"\n{said} messages to {ended} agents, of which {served} served to the end")
    assert served
