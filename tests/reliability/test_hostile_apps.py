"""Apps that do what no app should: they have themselves to blame, and nobody else suffers."""

from __future__ import annotations

import asyncio
import http.client
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hotplate.supervision.output import LONGEST
from reliability.census import own_memory
from support.processes import marked, needs_proc, until_free, until_nobody
from support.raw import RawServer
from support.session import free_port, get

pytestmark = needs_proc

MEGABYTES = int(os.environ.get("HOTPLATE_MEGABYTES", "24"))

APP = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "one")
"""

LIVELY: dict[str, str] = {
    "changes directory": "import os; os.chdir('/')",
    "has no streams": "import sys; sys.stdout = sys.stderr = sys.__stdout__ = None",
    "has streams of its own": "import io, sys; sys.stdout = sys.stderr = io.StringIO()",
    "closes its streams": "import os; os.close(0); os.close(1); os.close(2)",
    "empties sys.modules": (
        "import sys\n"
        "for name in list(sys.modules):\n"
        "    if name.startswith(('hotplate', 'json', 'socket', 'select')): del sys.modules[name]"
    ),
    "empties its environment": "import os; os.environ.clear()",
    "ignores all signals": (
        "import signal\n"
        "for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "    signal.signal(number, signal.SIG_IGN)"
    ),
    "blocks all signals": "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, signal.Signals)",
    "spoils what the agent uses": (
        "import json, os; json.dumps = json.loads = os.killpg = os.listdir = None"
    ),
    "has an audit hook that raises": (
        "import sys\n"
        "def hook(event, args):\n"
        "    if event in ('os.kill', 'os.killpg'): raise RuntimeError(event)\n"
        "sys.addaudithook(hook)"
    ),
    "raises in atexit": "import atexit; atexit.register(lambda: 0 / 0)",
    "never ends in atexit": "import atexit, time; atexit.register(time.sleep, 600)",
    "raises in a destructor": (
        "class Bad:\n    def __del__(self): raise SystemExit(3)\nkept = Bad()"
    ),
    "has forked before": "import os, time\nif os.fork() == 0:\n    time.sleep(600); os._exit(0)",
    "has forked, and its child goes on as it does": "import os; os.fork()",
    "is traced and profiled": (
        "import sys, threading; sys.settrace(lambda *_: None); sys.setprofile(lambda *_: None)"
    ),
    "has no recursion to spare": "import sys; sys.setrecursionlimit(120)",
    "looks like our protocol": (
        "import os\nos.write(1, b'\\0\\0\\0\\2{}Content-Length: 2\\r\\n\\r\\n{}')"
    ),
}


async def page(port: int, path: str = "/") -> tuple[int, str]:
    return await asyncio.to_thread(get, f"http://127.0.0.1:{port}", path)


async def started(server: RawServer, port: int, **settings: object) -> None:
    await server.spawn()
    await server.initialize({"port": port, "drainSeconds": 0.5, **settings})
    await server.state("running")


@pytest.mark.parametrize("what", LIVELY)
async def test_it_serves_is_restarted_and_leaves_nobody(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], what: str
) -> None:
    text = f"{LIVELY[what]}\n{APP}"
    server, port = raw_server(project({"app.py": text})), free_port()
    await started(server, port)
    assert await page(port) == (200, "one")
    server.save("app.py", text.replace('"one"', '"two"'))
    await server.state("running", after=1)
    assert await page(port) == (200, "two")
    server.process.kill()
    await until_nobody(server.mark)
    await until_free(port)


VIEWS = (
    APP
    + """\
import os, resource, signal, sys


@app.get("/<name>")
def run(name):
    return globals()[name]()


def close_all():
    os.closerange(3, 65536)
    return "closed"


def much():
    line = b"x" * 1023 + b"\\n"
    for _ in range(MEGABYTES):
        sys.stdout.buffer.write(line * 1024)
    print("the end", flush=True)
    return "printed"


def memory():
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2**26,) * 2)
    kept = []
    while True:
        kept.append(bytearray(2**22))


def forks():
    if os.fork() == 0:
        import time
        time.sleep(600)
        os._exit(0)
    return "forked"


def forks_and_goes_on():
    return "parent" if os.fork() else "child"


def forks_and_leaves():
    if os.fork() == 0:
        sys.exit(3)
    return "forked"


def line():
    sys.stdout.buffer.write(b"x" * 1024 * 1024)
    sys.stdout.flush()
    return "printed"


def arms():
    def hook(event, args):
        if event in ("open", "import"):
            raise RuntimeError(event)
    sys.addaudithook(hook)
    return "armed"


def as_the_kernel_does():
    os.kill(os.getpid(), signal.SIGKILL)


def wrong():
    return {}["nothing"]
""".replace("MEGABYTES", str(MEGABYTES))
)


async def fails_and_is_mended(server: RawServer, port: int, path: str, word: str) -> None:
    """A request ends the process; that is told; and the next save is served."""
    try:
        await page(port, path)
    except OSError:
        pass
    failed = await server.state("failed")
    assert word in str(failed["error"]), failed
    server.save("app.py", VIEWS.replace('"one"', '"two"'))
    await server.state("running", after=1)
    assert await page(port) == (200, "two")


async def test_it_closes_all_descriptors(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server, port = raw_server(project({"app.py": VIEWS})), free_port()
    await started(server, port)
    await fails_and_is_mended(server, port, "/close_all", "ProcessExit")


async def test_it_is_killed_as_by_the_kernel(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server, port = raw_server(project({"app.py": VIEWS})), free_port()
    await started(server, port)
    await fails_and_is_mended(server, port, "/as_the_kernel_does", "memory runs out")


async def test_it_has_no_memory_left(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """What it can still answer is its own affair; the next save is served."""
    server, port = raw_server(project({"app.py": VIEWS})), free_port()
    await started(server, port)
    try:
        assert (await page(port, "/memory"))[0] == 500
    except OSError:  # not even that
        pass
    server.save("app.py", VIEWS.replace('"one"', '"two"'))
    await server.state("running", after=1)
    assert await page(port) == (200, "two")


async def test_it_prints_without_end(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """All of it comes, and the server answers meanwhile."""
    server, port = raw_server(project({"app.py": VIEWS})), free_port()
    await started(server, port)
    asked = asyncio.create_task(page(port, "/much"))
    size = 0
    while not asked.done():
        await server.is_responsive()
        size += taken(server)
    assert (await asked)[1] == "printed"
    while not any("the end" in p["text"] for p in server.all("hotplate/output")):
        size += taken(server)
        await server.is_responsive()
    size += taken(server)
    assert size == MEGABYTES * 1024 * 1024


def taken(server: RawServer) -> int:
    """How much of it has come since the last time; what was counted is not kept."""
    size = 0
    for message in list(server.received):
        text = (message.get("params") or {}).get("text", "")
        if message.get("method") == "hotplate/output" and text.startswith("x"):
            size += sum(len(line) + 1 for line in text.split("\n") if line.startswith("xxx"))
        if "xxx" in str(message)[:3000] and "the end" not in str(message)[-200:]:
            server.received.remove(message)
        elif "xxx" in text:
            message["params"]["text"] = "the end"
    return size


@pytest.mark.parametrize("how", ["forks", "forks_and_goes_on", "forks_and_leaves"])
async def test_it_forks_while_it_serves(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], how: str
) -> None:
    """The child has a copy of the connection and of all that the agent holds."""
    server, port = raw_server(project({"app.py": VIEWS})), free_port()
    await started(server, port)
    for _ in range(3):
        try:
            assert (await page(port, f"/{how}"))[0] == 200
        except http.client.HTTPException:  # both have answered, on one connection
            assert how == "forks_and_goes_on"
        assert await page(port) == (200, "one")
    server.save("app.py", VIEWS.replace('"one"', '"two"'))
    await server.state("running", after=1)
    for _ in range(5):
        assert await page(port) == (200, "two")
    server.process.kill()
    await until_nobody(server.mark)
    await until_free(port)


async def test_it_lets_nothing_be_opened_or_imported_any_more(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """What it can still answer is its own affair; the next save is served, and nobody is left."""
    server, port = raw_server(project({"app.py": VIEWS})), free_port()
    await started(server, port)
    for path in ("/arms", "/", "/wrong"):
        try:
            await page(port, path)
        except (OSError, http.client.HTTPException):
            pass
    server.save("app.py", VIEWS.replace('"one"', '"two"'))
    await server.state("running", after=1)
    assert await page(port) == (200, "two")
    try:
        await page(port, "/arms")
    except (OSError, http.client.HTTPException):
        pass
    server.process.kill()
    await until_nobody(server.mark)
    await until_free(port)


async def test_it_prints_a_line_without_end(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """It is passed on in pieces: the server keeps none of it, as long as the editor reads."""
    server, port = raw_server(project({"app.py": VIEWS})), free_port()
    await started(server, port)
    count, size, before = 50, 0, 0
    for number in range(count):
        assert (await page(port, "/line"))[1] == "printed"
        await server.is_responsive()
        size += pieces(server)
        if number == count // 5:  # buffers are as large by then as they get
            before = own_memory(server.process.pid)
    while size < (count - 1) * 2**20:
        await server.is_responsive()
        size += pieces(server)
    assert own_memory(server.process.pid) - before < 16 * 1024
    # The last of it may wait for its end, but no more than what is kept of a line.
    assert count * 2**20 - size <= LONGEST


def pieces(server: RawServer) -> int:
    """How much of a line has come since the last time; what was counted is not kept."""
    size = 0
    for message in list(server.received):
        params = message.get("params") or {}
        text = params.get("text", "")
        if message.get("method") == "hotplate/output" and "x" * 99 in text:
            size += text.count("x")
            params["text"] = text[-20:].replace("x", "")
        elif message.get("method") == "window/logMessage":
            server.received.remove(message)
    return size


async def test_a_thousand_exceptions(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The first are told in full; the others are counted, and none is lost from the count."""
    server, port = raw_server(project({"app.py": VIEWS})), free_port()
    await started(server, port, debugger=False)
    gate = asyncio.Semaphore(20)

    async def one() -> int:
        async with gate:
            return (await page(port, "/wrong"))[0]

    assert set(await asyncio.gather(*(one() for _ in range(1000)))) == {500}
    await server.is_responsive()

    def counted() -> int:
        texts = [p["text"] for p in server.all("hotplate/output") if "Hotplate: " in p["text"]]
        lines = [line for text in texts for line in text.split("\n") if "more exception" in line]
        return sum(int(line.split()[1]) for line in lines)

    told = lambda: len(server.all("hotplate/traceback"))  # noqa: E731
    await server.until(lambda: told() + counted() == 1000, "all of them")
    assert 20 <= told() < 500
    await fails_no_more(server, port)


async def fails_no_more(server: RawServer, port: int) -> None:
    server.save("app.py", VIEWS.replace('{}["nothing"]', '"right"'))
    await server.state("running", after=1)
    assert await page(port, "/wrong") == (200, "right")
    assert len(marked(server.mark)) >= 2
