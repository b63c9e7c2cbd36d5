"""However the editor, the server or the app ends: a second later nothing of ours is left.

The app of these tests has a family: children that have left its process group, and daemons that
were forked twice, closed all and have another environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from reliability.families import APP, FAMILY, WITH_FAMILY, members, noted, until_all_gone
from support.processes import MARK, alive, describe, marked, needs_proc, until_free, until_nobody
from support.raw import RawServer
from support.session import SERVER, free_port

pytestmark = needs_proc


async def with_family(
    server: RawServer, port: int, env: dict[str, str] | None = None
) -> tuple[int, set[int]]:
    """Start the app of a server; its process, and those that it has started."""
    await server.spawn(env)
    await server.initialize({"port": port})
    pid: int = (await server.state("running"))["pid"]
    return pid, await members(server.folder)


def close_input(server: RawServer) -> None:
    assert server.process.stdin is not None
    server.process.stdin.close()


WAYS: dict[str, Callable[[RawServer, int], None]] = {
    "kill -9": lambda server, app: server.process.kill(),
    "SIGTERM": lambda server, app: server.process.terminate(),
    "SIGHUP": lambda server, app: server.process.send_signal(signal.SIGHUP),
    "SIGINT": lambda server, app: server.process.send_signal(signal.SIGINT),
    "end of input": lambda server, app: close_input(server),
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_server_ends_and_the_family_with_it(
    project: Callable[..., Path],
    raw_server: Callable[[Path], RawServer],
    tmp_path: Path,
    way: str,
) -> None:
    server, port = raw_server(project({"app.py": WITH_FAMILY})), free_port()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    app, family = await with_family(server, port, {"TMPDIR": str(temporary)})
    WAYS[way](server, app)
    await until_nobody(server.mark)
    await until_all_gone(family)
    await until_free(port)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM", "SIGSEGV"])
async def test_the_app_dies_and_the_family_with_it(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], number: str
) -> None:
    server = raw_server(project({"app.py": WITH_FAMILY}))
    app, family = await with_family(server, free_port())
    os.kill(app, getattr(signal, number))
    await server.state("failed")
    await until_all_gone(family)
    await server.is_responsive()


async def test_a_restart_ends_the_family_before_it_and_no_other(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """Two apps, each with a family: a save of one is nothing to the other's."""
    folder = project({"one/app.py": WITH_FAMILY, "two/app.py": WITH_FAMILY})
    server = raw_server(folder)
    await server.spawn()
    apps = [{"name": name, "folder": name, "port": free_port()} for name in ("one", "two")]
    await server.initialize({"apps": apps})
    for name in ("one", "two"):
        await server.until(
            lambda name=name: any(
                p["name"] == name and p["state"] == "running" for p in server.all("hotplate/state")
            ),
            f"{name} to run",
        )
    one, two = await members(folder / "one"), await members(folder / "two")
    server.save("one/app.py", WITH_FAMILY + "# saved\n")
    await server.state("running", after=1)
    await until_all_gone(one)
    assert all(map(alive, two))
    assert len(noted(folder / "one") - one) > 0
    await server.command("stop", {"app": "two"})


async def test_stop_ends_the_family(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server, port = raw_server(project({"app.py": WITH_FAMILY})), free_port()
    _, family = await with_family(server, port)
    await server.command("stop")
    await server.state("stopped")
    await until_all_gone(family)
    await until_free(port)
    assert marked(server.mark) == {server.process.pid}


# ---------------------------------------------------------------- the guard


async def guard_of(server: RawServer) -> int:
    """The process that kills what is left, once it is told of somebody."""
    for _ in range(1000):
        for pid in marked(server.mark):
            if any("watchman.py" in line for line in describe({pid})):
                return pid
        await asyncio.sleep(0.01)
    raise AssertionError(f"no guard: {describe(marked(server.mark))}")


LOCKED = "import re\nprint('locked', flush=True)\nre.match(r'(a|aa)*$', 'a' * 100 + 'b')\n"


async def test_the_server_is_killed_and_the_app_holds_the_interpreter(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """So its agent can do nothing; and it has a family, so the kernel alone would miss some."""
    server, port = raw_server(project({"app.py": FAMILY + APP + LOCKED})), free_port()
    await server.spawn()
    await server.initialize({"port": port})
    await server.until(
        lambda: any("locked" in params["text"] for params in server.all("hotplate/output")), "it"
    )
    family = await members(server.folder)
    await guard_of(server)
    server.process.kill()
    await until_nobody(server.mark)
    await until_all_gone(family)
    await until_free(port)


@pytest.mark.parametrize("order", ["server first", "app first"])
async def test_server_and_app_are_killed_in_the_same_instant(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], order: str
) -> None:
    server, port = raw_server(project({"app.py": WITH_FAMILY})), free_port()
    app, family = await with_family(server, port)
    await guard_of(server)
    # The guard looks half a second after a process was started; there is no word of that.
    await asyncio.sleep(0.7)
    pids = [server.process.pid, app]
    for pid in pids if order == "server first" else reversed(pids):
        os.kill(pid, signal.SIGKILL)
    await until_nobody(server.mark)
    await until_all_gone(family)
    await until_free(port)


async def test_the_guard_is_killed_and_there_is_another(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server, port = raw_server(project({"app.py": WITH_FAMILY})), free_port()
    app, family = await with_family(server, port)
    guard = await guard_of(server)
    os.kill(guard, signal.SIGKILL)
    await until_all_gone({guard}, 5)
    assert await guard_of(server) != guard
    assert alive(app) and all(map(alive, family))
    server.process.kill()
    await until_nobody(server.mark)
    await until_all_gone(family)


async def test_an_app_without_a_family_has_no_guard(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """It would cost memory for nothing."""
    server = raw_server(project({"app.py": APP}))
    await server.spawn()
    await server.initialize({"port": free_port(), "warmup": "off"})
    app = (await server.state("running"))["pid"]
    assert marked(server.mark) == {server.process.pid, app}


ASKS = """\
import sys
from pathlib import Path
from hotplate.project.commands import ask
print(ask([sys.executable, "-c", "import os, time; os.write(1, b'up'); time.sleep(600)"], 600))
"""


async def test_a_program_that_is_asked_goes_with_the_server() -> None:
    """The kernel ends it: it knows nothing of us."""
    mark = uuid.uuid4().hex
    env = {**os.environ, "PYTHONPATH": str(SERVER), MARK: mark}
    asking = await asyncio.create_subprocess_exec(sys.executable, "-c", ASKS, env=env)
    for _ in range(1000):
        if len(marked(mark)) == 2 and any("os.write" in line for line in describe(marked(mark))):
            break
        await asyncio.sleep(0.01)
    program = marked(mark) - {asking.pid}
    assert len(program) == 1
    asking.kill()
    await asking.wait()
    await until_all_gone(program)
