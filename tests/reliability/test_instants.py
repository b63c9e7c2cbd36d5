"""kill -9 at random instants, the start of a process included.

`HOTPLATE_INSTANTS=200 HOTPLATE_SEED=1 pytest -s tests/reliability/test_instants.py` kills each kind
of process so often, and prints what docs/reliability.md tells.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from reliability.families import WITH_FAMILY, noted
from support.processes import alive, describe, marked, needs_proc, until_free
from support.raw import RawServer
from support.session import free_port, get

pytestmark = needs_proc

INSTANTS = int(os.environ.get("HOTPLATE_INSTANTS", "10"))
"""How often each kind of process is killed; the server four times as often, if they are few."""
SEED = int(os.environ.get("HOTPLATE_SEED", "") or random.randrange(10**6))
BESIDE = 4
"""So many servers at once: one alone would mostly wait."""
START_SECONDS = 1.5
"""The server, its app and the standby are up by then, mostly."""
LIMIT = 1.0
"""What is promised, though four of them are at work at once."""


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

    count = max(INSTANTS, 40)
    rounds = [partial(one, n, chance.uniform(0, START_SECONDS)) for n in range(count)]
    took = await side_by_side(rounds)
    report(f"the server ({count} times)", took)


KINDS = ("app", "standby", "copy of the standby", "guard")


def by_kind(server: RawServer) -> dict[str, list[int]]:
    """The processes that the server has made, as they are at this moment."""
    told = {params.get("pid") for params in server.all("hotplate/state")}
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    waiting = []
    for pid in marked(server.mark) - {server.process.pid}:
        line = "".join(describe({pid}))
        parent, began = _birth(pid)
        if parent != server.process.pid:
            continue
        if "watchman.py" in line:
            found["guard"].append(pid)
        elif "hotplate_agent" in line and pid in told:
            found["app"].append(pid)
        elif "hotplate_agent" in line:
            waiting.append((began, pid))
    # A copy is younger than what it was copied from, and of the same command line.
    for place, (_began, pid) in enumerate(sorted(waiting)):
        found["copy of the standby" if place else "standby"].append(pid)
    return found


def _birth(pid: int) -> tuple[int, int]:
    """A process's parent, and when it was made."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0
    return int(fields[1]), int(fields[19])


async def kill_one(server: RawServer, kind: str) -> bool:
    """One of a kind, as soon as there is one. False where there is none for seconds."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            for pid in by_kind(server)[kind]:
                os.kill(pid, signal.SIGKILL)
                return True
        except ProcessLookupError:
            pass
        await asyncio.sleep(0.01)
    return False


async def test_what_the_server_has_made(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The server lives; the next save brings the app back; and at the end nobody is left."""
    chance = random.Random(SEED)
    kills = 10
    killed = Counter[str]()

    async def one(number: int) -> float:
        server, port = raw_server(project({"app.py": WITH_FAMILY}, f"shop{number}")), free_port()
        await open_server(server, port)
        await server.state("running")
        for kill in range(kills):
            server.save("app.py", WITH_FAMILY.replace("hello", f"first {kill}"))
            await asyncio.sleep(chance.uniform(0, 0.5))
            kind = KINDS[(number + kill) % len(KINDS)]
            if await kill_one(server, kind):
                killed[kind] += 1
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

    count = -(-INSTANTS * len(KINDS) // kills)
    took = await side_by_side([partial(one, number) for number in range(count)])
    # A copy is not always made within the time that is waited for it.
    assert min(killed[kind] for kind in KINDS) >= INSTANTS / 4, killed
    times = ", ".join(f"{kind} {killed[kind]} times" for kind in KINDS)
    report(f"{times}; then `stop`", took)


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
