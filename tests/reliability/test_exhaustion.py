"""Nothing left of a resource: a message that says so, and all is well when there is some again."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.permissions import bound_server
from support.processes import needs_proc, ticks
from support.raw import RawServer
from support.session import SERVER, free_port, get

APP = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "one")
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit, namespaces")


async def page(port: int) -> tuple[int, str]:
    return await asyncio.to_thread(get, f"http://127.0.0.1:{port}")


def last(server: RawServer) -> int:
    generation: int = server.all("hotplate/state")[-1]["generation"]
    return generation


async def fails_for_want(server: RawServer, word: str) -> dict[str, Any]:
    """Save, and see the start fail with a message that names what there is none of."""
    before = last(server)
    server.save("app.py", APP + f"# {before}\n")
    failed = await server.state("failed", after=before)
    assert failed["error"]["type"] == "NothingLeft", failed
    assert word in failed["error"]["message"]
    assert "The next save tries again" in failed["error"]["message"]
    return failed


async def is_well(server: RawServer, port: int, word: str) -> None:
    """Save, and see it served."""
    before = server.all("hotplate/state")[-1]
    server.save("app.py", APP.replace("one", word))
    # A start that is still to read the file needs no other.
    await server.until(
        lambda: (now := server.all("hotplate/state")[-1])["state"] == "running" and now != before,
        f"{word} to run",
    )
    assert await page(port) == (200, word)


# ---------------------------------------------------------------- descriptors


@contextmanager
def no_descriptors(pid: int) -> Iterator[None]:
    """A process that can open nothing more; what is open stays so."""
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


@linux
@needs_proc
async def test_the_server_has_no_descriptor_left(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    server, port = raw_server(project({"app.py": APP})), free_port()
    await server.spawn()
    await server.initialize({"port": port, "warmup": "off"})
    await server.state("running")
    held = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    with no_descriptors(server.process.pid):
        await fails_for_want(server, "file descriptor")
        waits = asyncio.create_task(page(port))
        before = ticks(server.process.pid)
        # For what must not come: a server that asks for the connection again and again.
        await asyncio.sleep(1.0)
        assert ticks(server.process.pid) - before < 30
    status, body = await waits  # it is not refused, and answered once that is possible
    assert (status, "file descriptor" in body) == (500, True)
    await is_well(server, port, "two")
    assert len(os.listdir(f"/proc/{server.process.pid}/fd")) <= held + 2


@linux
async def test_the_server_has_no_descriptor_left_and_a_standby_waits(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """Whatever comes of it, the server lives, and the next save is served."""
    server, port = raw_server(project({"app.py": APP})), free_port()
    await server.spawn()
    await server.initialize({"port": port})
    await server.state("running")
    with no_descriptors(server.process.pid):
        for number in range(3):
            server.save("app.py", APP + f"# {number}\n")
            await server.is_responsive()
    await is_well(server, port, "two")
    await is_well(server, port, "three")


@linux
async def test_the_server_has_no_descriptor_left_for_a_connection_handed_over(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """That one is closed. It had asked nothing."""
    server, port = raw_server(project({"app.py": APP})), free_port()
    await server.spawn()
    await server.initialize({"port": port, "warmup": "off", "drainSeconds": 0.5})
    await server.state("running")
    idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", port)
    assert await page(port) == (200, "one")  # so the one before is accepted, too
    with no_descriptors(server.process.pid):
        await fails_for_want(server, "file descriptor")
        try:
            assert await asyncio.wait_for(idle_reader.read(), 10) == b""
        except ConnectionResetError:
            pass
    idle_writer.close()
    await is_well(server, port, "two")


@linux
async def test_the_app_has_no_descriptor_left_at_its_start(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The start fails and says of what there is none, and the next save mends it."""
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (1, 4096))\n"
    server, port = raw_server(project({"app.py": APP})), free_port()
    await server.spawn()
    await server.initialize({"port": port})
    await server.state("running")
    before = last(server)
    server.save("app.py", APP + limit)
    failed = await server.state("failed", after=before)
    # With nothing left at all, the agent can't import what it explains an error with.
    assert failed["error"]["type"] in ("OSError", "ProcessExit"), failed
    assert "Too many open files" in server.all("hotplate/traceback")[-1]["text"]
    assert (await page(port))[0] == 500
    await is_well(server, port, "two")


# ---------------------------------------------------------------- processes

NO_PROCESSES = """\
import errno, os, sys

if "hotplate_agent" not in " ".join(sys.orig_argv):
    import _posixsubprocess, _thread

    def scarce(function, error):
        def call(*args, **kwargs):
            if os.path.exists(os.environ["NO_PROCESSES"]):
                raise error
            return function(*args, **kwargs)
        return call

    lack = BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    _posixsubprocess.fork_exec = scarce(_posixsubprocess.fork_exec, lack)
    thread = RuntimeError("can't start new thread")
    _thread.start_new_thread = scarce(_thread.start_new_thread, thread)
"""
"""Root's processes are not counted, so a limit would not do: the calls fail as at a limit."""


async def test_there_is_no_process_left(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], tmp_path: Path
) -> None:
    server, port = raw_server(project({"app.py": APP})), free_port()
    flag, folder = tmp_path / "none", tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(NO_PROCESSES)
    path = os.pathsep.join([str(SERVER), str(folder)])
    await server.spawn({"PYTHONPATH": path, "NO_PROCESSES": str(flag)})
    await server.initialize({"port": port, "warmup": "off"})
    await server.state("running")
    flag.touch()
    await fails_for_want(server, "process")
    assert (await page(port))[0] == 500
    flag.unlink()
    await is_well(server, port, "two")


async def test_there_is_no_process_left_and_a_standby_waits(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], tmp_path: Path
) -> None:
    """It takes what was made before; then starts fail and say why; and the server lives."""
    server, port = raw_server(project({"app.py": APP})), free_port()
    flag, folder = tmp_path / "none", tmp_path / "site"
    folder.mkdir()
    scarce = NO_PROCESSES.replace('if "hotplate_agent" not in " ".join(sys.orig_argv):', "if True:")
    fork = "    os.fork = scarce(os.fork, lack)\n"
    (folder / "sitecustomize.py").write_text(scarce + fork)
    path = os.pathsep.join([str(SERVER), str(folder)])
    await server.spawn({"PYTHONPATH": path, "NO_PROCESSES": str(flag)})
    await server.initialize({"port": port, "drainSeconds": 0.5})
    await server.state("running")
    await is_well(server, port, "warm")
    flag.touch()
    outcomes = []
    for number in range(4):
        before = last(server)
        server.save("app.py", APP.replace("one", f"scarce {number}"))
        settled = await server.until(
            lambda before=before: next(
                (
                    params
                    for params in server.all("hotplate/state")
                    if params["generation"] > before and params["state"] in ("running", "failed")
                ),
                None,
            ),
            "an end of the start",
        )
        outcomes.append(settled["state"])
        if settled["state"] == "failed":
            assert (settled["error"]["type"], (await page(port))[0]) == ("NothingLeft", 500)
    assert outcomes[-1] == "failed", outcomes
    flag.unlink()
    await is_well(server, port, "two")
    await is_well(server, port, "three")


# ---------------------------------------------------------------- the disk


@pytest.fixture
def small_disk(tmp_path: Path) -> list[str]:
    """A command before another one: it sees a disk of 256 KiB at `tmp_path/disk`."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("needs root and unshare, to mount a disk that is full")
    script = 'mount -t tmpfs -o size=256k none "$0" && exec "$@"'
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", script, str(disk)]


@linux
async def test_the_disk_is_full(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], small_disk: list[str]
) -> None:
    """The app is on it, and so are the server's state and the folder for temporary files."""
    folder = Path(small_disk[-1])
    server, port = raw_server(folder / "shop"), free_port()
    env = {
        "TMPDIR": str(folder),
        "HOTPLATE_STATE_DIR": str(folder / "state"),
        "PYTHONDONTWRITEBYTECODE": "1",  # what is dropped of it would make room
    }
    await server.spawn(env, [*small_disk, sys.executable, "-m", "hotplate", "lsp"])
    inside = Path(f"/proc/{server.process.pid}/root{folder}")
    for _ in range(500):
        if os.stat(inside).st_dev != os.stat(folder).st_dev:
            break
        await asyncio.sleep(0.01)
    (inside / "shop").mkdir()
    (inside / "shop/app.py").write_text(APP)
    await server.initialize({"port": port})
    await server.state("running")

    ballast = inside / "ballast"
    for word in ("two", "raise", "six"):
        # Anew each time: whoever has ended may have given something back.
        with open(ballast, "ab", buffering=0) as file, pytest.raises(OSError, match="space"):
            while True:
                file.write(bytes(4096))
        text = APP.replace("one", word) if word != "raise" else APP.replace("app.add", "no.add")
        before = last(server)
        # In place, as there is no space for more: the file has room to its block's end.
        with open(inside / "shop/app.py", "r+") as source:
            source.write(text.ljust(300))
        server.save("app.py")
        await server.state("running" if word != "raise" else "failed", after=before)
        status, body = await page(port)
        assert (status, body) == (200, word) or (word == "raise" and status == 500)
    ballast.unlink()
    (inside / "shop/app.py").write_text(APP.replace("one", "nine"))
    before = last(server)
    server.save("app.py")
    await server.state("running", after=before)
    assert await page(port) == (200, "nine")


# ---------------------------------------------------------------- permissions


async def test_a_source_file_may_not_be_read(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer]
) -> None:
    """The problem is at the line that imports it; the page goes on, and a save mends it."""
    folder = project({"app.py": "import part\n" + APP, "part.py": ""})
    server, port = raw_server(folder), free_port()
    await server.spawn(command=bound_server())
    await server.initialize({"port": port})
    await server.state("running")
    before = last(server)
    (folder / "part.py").write_text("WORD = 1\n")
    (folder / "part.py").chmod(0)
    server.save("part.py")
    failed = (await server.state("failed", after=before))["error"]
    assert failed["type"] == "PermissionError", failed
    assert str(folder / "part.py") in failed["message"]
    (shown,) = [p for p in server.all("textDocument/publishDiagnostics") if p["diagnostics"]]
    (problem,) = shown["diagnostics"]
    assert (shown["uri"], problem["range"]["start"]["line"]) == ((folder / "app.py").as_uri(), 0)
    assert (await page(port))[0] == 500
    (folder / "part.py").chmod(0o644)
    server.save("part.py")
    await server.state("running", after=last(server))
    assert await page(port) == (200, "one")
    await server.is_responsive()
    assert server.all("textDocument/publishDiagnostics")[-1]["diagnostics"] == []


# ---------------------------------------------------------------- the clock

CLOCK = """\
import os, time

_time, _time_ns = time.time, time.time_ns


def _offset():
    try:
        with open(os.environ["CLOCK"]) as file:
            return int(file.read() or 0)
    except OSError:
        return 0


time.time = lambda: _time() + _offset()
time.time_ns = lambda: _time_ns() + _offset() * 10**9
"""


async def test_the_clock_jumps(
    project: Callable[..., Path], raw_server: Callable[[Path], RawServer], tmp_path: Path
) -> None:
    """A day back, a year on, and to what it was: each save is served, and nothing else restarts."""
    server, port = raw_server(project({"app.py": APP, "notes.md": ""})), free_port()
    clock, folder = tmp_path / "clock", tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CLOCK)
    path = os.pathsep.join([str(SERVER), str(folder)])
    await server.spawn({"PYTHONPATH": path, "CLOCK": str(clock)})
    await server.initialize({"port": port})
    await server.state("running")
    for number, days in enumerate((-1, 365, 0)):
        clock.write_text(str(days * 86400))
        for word in ("aaa", "bbb", "ccc"):  # of equal size, within one second
            await is_well(server, port, f"{word}{number}")
        before = last(server)
        server.save("notes.md", str(number))
        await server.is_responsive()
        assert last(server) == before
