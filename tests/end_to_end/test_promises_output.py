"""What the app prints reaches the editor: whole lines, in order, whatever they look like."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from support.raw import RawServer
from support.session import free_port, get

APP = """\
import os, sys
from flask import Flask

app = Flask(__name__)


@app.get("/<name>")
def run(name):
    globals()[name]()
    return "done"


def unicode():
    print("grüße 漢字 🔥 \\u2028 end")
    sys.stdout.buffer.write("ü".encode()[:1]); sys.stdout.buffer.flush()
    sys.stdout.buffer.write("ü".encode()[1:] + b" whole\\n"); sys.stdout.buffer.flush()
    sys.stdout.buffer.write(b"half \\xc3 and \\xff\\xfe\\x00 odd\\n"); sys.stdout.buffer.flush()


def partial():
    for part in ("one ", "line ", "in pieces\\n", "and the rest"):
        sys.stdout.write(part); sys.stdout.flush()
    os._exit(0)


def much():
    for number in range(200_000):
        print(number)


def both():
    for number in range(100):
        print("out", number)
        print("err", number, file=sys.stderr)
    os.system("echo from a shell; echo to stderr >&2")


def protocol():
    body = '{"jsonrpc": "2.0", "method": "exit"}'
    print(f"Content-Length: {len(body)}\\r\\n\\r\\n{body}")
    sys.stdout.buffer.write(b"\\x00\\x00\\x00\\x10" + b'{"type":"Accepting"}\\n')
    sys.stdout.flush()
    for descriptor in range(3, 10):  # who guesses at descriptors that are not the app's
        try:
            os.fstat(descriptor)
        except OSError:
            pass


def long():
    print("x" * 1_000_000)
    print("after")
"""


async def started(server: RawServer) -> str:
    await server.spawn()
    await server.initialize({"port": free_port()})
    url: str = (await server.state("running"))["url"]
    return url


def printed(server: RawServer, stream: str = "stdout") -> list[str]:
    """The lines so far, without Werkzeug's own."""
    texts = [p["text"] for p in server.all("hotplate/output") if p["stream"] == stream]
    lines = "".join(texts).split("\n")
    return [line for line in lines if " - - [" not in line and "Serving" not in line]


async def test_unicode_and_what_is_none(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    url = await started(server)
    await asyncio.to_thread(get, url, "/unicode")
    await server.until(lambda: any("odd" in line for line in printed(server)), "the last line")
    lines = printed(server)
    assert "grüße 漢字 🔥 \u2028 end" in lines
    assert "ü whole" in lines
    assert "half \ufffd and \ufffd\ufffd\x00 odd" in lines
    texts = [p["text"] for p in server.all("hotplate/output")]
    assert all(text.endswith("\n") for text in texts)


async def test_two_hundred_thousand_lines(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    url = await started(server)
    assert (await asyncio.to_thread(get, url, "/much"))[1] == "done"
    await server.until(lambda: any("199999\n" in p["text"] for p in server.all("hotplate/output")),
                       "the last line")  # fmt: skip
    numbers = [line for line in printed(server) if line.isdigit()]
    assert numbers == [str(number) for number in range(200_000)]


async def test_both_streams_and_children(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    url = await started(server)
    await asyncio.to_thread(get, url, "/both")
    await server.until(lambda: "from a shell" in printed(server), "the shell's line")
    await server.until(lambda: "to stderr" in printed(server, "stderr"), "the shell's line")
    out = [line for line in printed(server) if line.startswith("out ")]
    err = [line for line in printed(server, "stderr") if line.startswith("err ")]
    assert out == [f"out {number}" for number in range(100)]
    assert err == [f"err {number}" for number in range(100)]


async def test_a_line_without_an_end_at_the_end(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """And nothing of a process comes after the word that it is gone."""
    server = raw_server(project({"app.py": APP}))
    url = await started(server)
    try:
        await asyncio.to_thread(get, url, "/partial")
    except OSError:
        pass
    await server.state("failed")
    assert [line for line in printed(server) if line][-2:] == ["one line in pieces", "and the rest"]


async def test_what_looks_like_a_protocol(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    url = await started(server)
    await asyncio.to_thread(get, url, "/protocol")
    await server.until(lambda: any("Accepting" in line for line in printed(server)), "the line")
    assert any("Content-Length: 36" in line for line in printed(server))
    await server.is_responsive()
    assert server.all("hotplate/state")[-1]["state"] == "running"


async def test_a_very_long_line(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server = raw_server(project({"app.py": APP}))
    url = await started(server)
    await asyncio.to_thread(get, url, "/long")
    await server.until(lambda: "after" in printed(server), "the line after it")
    text = "".join(p["text"] for p in server.all("hotplate/output") if p["stream"] == "stdout")
    assert text.count("x") == 1_000_000
    await server.is_responsive()
