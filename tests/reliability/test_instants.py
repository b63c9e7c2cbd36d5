"""kill -9 at random instants, the start of a process included.

`HOTPLATE_INSTANTS=200 HOTPLATE_SEED=1 pytest -s tests/reliability/test_instants.py` takes more of
them, and prints what docs/reliability.md tells.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from reliability.families import WITH_FAMILY, noted
from support.processes import alive, describe, marked, needs_proc, until_free
from support.raw import RawServer
from support.session import free_port, get

pytestmark = needs_proc

INSTANTS = int(os.environ.get("HOTPLATE_INSTANTS", "40"))
SEED = int(os.environ.get("HOTPLATE_SEED", "") or random.randrange(10**6))
BESIDE = 4
"""So many servers at once: one alone would mostly wait."""
START_SECONDS = 1.5
"""The server, its app and the standby are up by then, mostly."""
LIMIT = 10.0
"""The promise is a second; a machine with four of them at once may be slower."""


async def nothing_left(server: RawServer, port: int) -> float:
    """Wait until nothing is left; the seconds that took."""
    began = time.monotonic()
    while True:
        left = marked(server.mark) | {pid for pid in noted(server.folder) if alive(pid)}
        took = time.monotonic() - began
        if not left:
            break
        assert took < LIMIT, f"still alive: {describe(left)}"
        await asyncio.sleep(0.01)
    await until_free(port, LIMIT)
    assert list((server.folder / "tmp").iterdir()) == []
    return took


async def open_server(server: RawServer, port: int) -> None:
    """Start it, and don't wait for it."""
    (server.folder / "tmp").mkdir(exist_ok=True)
    await server.spawn({"TMPDIR": str(server.folder / "tmp")})
    server.post_initialize({"port": port})


async def side_by_side(rounds: Sequence[Callable[[], Awaitable[float]]]) -> list[float]:
    """Some at once, until all are done or one has failed."""
    pending, took = list(rounds), []

    async def work() -> None:
        while pending:
            took.append(await pending.pop()())

    try:
        await asyncio.gather(*(work() for _ in range(BESIDE)))
    finally:
        pending.clear()
    return took


async def test_the_server(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """Nobody is left, the port is free, and there is no file."""
    chance = random.Random(SEED)

    async def one(number: int, seconds: float) -> float:
        server, port = raw_server(project({"app.py": WITH_FAMILY}, f"shop{number}")), free_port()
        await open_server(server, port)
        await asyncio.sleep(seconds)
        server.process.kill()
        return await nothing_left(server, port)

    rounds = [partial(one, n, chance.uniform(0, START_SECONDS)) for n in range(INSTANTS)]
    took = await side_by_side(rounds)
    report("the server", took)


def agents(server: RawServer) -> list[int]:
    """Processes of the app, the standby and its copies: those that the server has made."""
    found = []
    for pid in marked(server.mark) - {server.process.pid}:
        line = "".join(describe({pid}))
        if "hotplate_agent" in line and _parent(pid) == server.process.pid:
            found.append(pid)
    return sorted(found)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


async def test_the_app_and_the_standby(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The server lives; the next save brings the app back; and at the end nobody is left."""
    chance = random.Random(SEED)
    kills = 10
    victims: list[int] = []

    async def one(number: int) -> float:
        server, port = raw_server(project({"app.py": WITH_FAMILY}, f"shop{number}")), free_port()
        await open_server(server, port)
        await server.state("running")
        for kill in range(kills):
            server.save("app.py", WITH_FAMILY.replace("hello", f"first {kill}"))
            await asyncio.sleep(chance.uniform(0, 0.5))
            there = agents(server)
            if there:
                victims.append(chance.choice(there))
                try:
                    os.kill(victims[-1], signal.SIGKILL)
                except ProcessLookupError:
                    pass
            await served(server, port, f"second {kill}")
        await server.command("stop")
        await server.until(lambda: server.all("hotplate/state")[-1]["state"] == "stopped", "stop")
        began = time.monotonic()
        while left := (marked(server.mark) - {server.process.pid}) | {
            pid for pid in noted(server.folder) if alive(pid)
        }:
            assert time.monotonic() - began < LIMIT, f"still alive: {describe(left)}"
            await asyncio.sleep(0.01)
        return time.monotonic() - began

    count = max(1, INSTANTS // kills)
    took = await side_by_side([partial(one, number) for number in range(count)])
    assert len(victims) > count * kills / 2
    report(f"an app or a standby ({len(victims)} times), then `stop`", took)


async def served(server: RawServer, port: int, word: str) -> None:
    """Save, and wait until it is answered. A death that is noticed after a save takes another."""
    deadline = time.monotonic() + 60
    text = WITH_FAMILY.replace("hello", word)
    server.save("app.py", text)
    while True:
        last = server.all("hotplate/state")[-1]
        if last["state"] == "running":
            try:
                if (await asyncio.to_thread(get, f"http://127.0.0.1:{port}"))[1] == word:
                    return
            except OSError:
                pass
        elif last["state"] == "failed":
            text += "\n"
            server.save("app.py", text)
        assert time.monotonic() < deadline, server.all("hotplate/state")[-4:]
        await asyncio.sleep(0.05)


def report(what: str, took: list[float]) -> None:
    longest = sorted(took)
    print(
        f"\nkill -9 for {what}: {len(took)} rounds, seed {SEED}; until nothing was left "
        f"{longest[len(took) // 2] * 1000:.0f} ms (median), {longest[-1] * 1000:.0f} ms (longest)"
    )
