"""The standby, seen from outside: what waits beside the app, when it is used, when it is not."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hotplate.supervision.standby import CALM
from support.processes import alive, needs_proc, until_gone
from support.session import Session, free_port

pytestmark = [
    needs_proc,
    pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only"),
]

APP = """\
import os
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", "index", lambda: "one")
app.add_url_rule("/pid", "pid", lambda: str(os.getpid()))
app.add_url_rule("/env", "env", lambda: os.environ.get("COLOUR", ""))
"""


READY = re.compile(r"Process (\d+) stands by to serve as (\w+): (.*)\.")


class Beside:
    """A server whose app runs, and its log, which tells of the standby."""

    def __init__(self, session: Session, log: Path) -> None:
        self.session = session
        self._log = log
        self._known = 0

    async def start(self, **settings: Any) -> None:
        settings = {"port": free_port(), "interpreter": sys.executable, **settings}
        await self.session.start(settings, arguments=("--log-file", str(self._log)))
        await self.session.state("running")

    @property
    def state(self) -> dict[str, Any]:
        """The last state that was told."""
        return self.session.notifications("hotplate/state")[-1]

    def told(self) -> list[tuple[int, str, list[str]]]:
        """Every standby so far: its process, how it serves, what it has imported."""
        found = READY.findall(self._log.read_text())
        return [(int(pid), how, roots.split(", ")) for pid, how, roots in found]

    async def ready(self) -> tuple[int, str, list[str]]:
        """The next standby that is ready. Nobody tells a client, so this looks into the log."""
        for _ in range(2000):
            if len(self.told()) > self._known:
                self._known += 1
                return self.told()[self._known - 1]
            await asyncio.sleep(0.01)
        raise AssertionError(f"no standby: {self._log.read_text()}")

    async def save(self, name: str, text: str, state: str = "running") -> dict[str, Any]:
        """Save, and wait for what comes of it."""
        generation = self.state["generation"]
        self.session.save(name, text)
        return await self.session.state(state, after=generation)

    async def page(self, path: str = "/") -> str:
        return (await self.session.get(self.state["url"], path))[1]

    async def is_copy(self) -> bool:
        """Whether what serves has begun as a copy of the last standby.

        A copy shares the memory of the standby, so the addresses of its program's code."""
        pid = self.told()[-1][0]
        mine, its = (Path(f"/proc/{p}/maps").read_text() for p in (self.state["pid"], pid))
        return (
            pid != self.state["pid"]
            and mine.splitlines()[0] == its.splitlines()[0]
            and _stack(mine) == _stack(its)
        )


def _stack(maps: str) -> str:
    return next(
        line.split()[0].partition("-")[2] for line in maps.splitlines() if "[stack]" in line
    )


@pytest_asyncio.fixture
async def beside(
    project: Callable[..., Path], open_session: Callable[[Path], Session], tmp_path: Path
) -> Beside:
    return Beside(open_session(project({"app.py": APP})), tmp_path / "log")


async def test_a_save_is_served_by_a_copy_of_the_standby(beside: Beside) -> None:
    """Time and again by the same one, and each is the server's child."""
    await beside.start()
    standby, how, _ = await beside.ready()
    assert how == "copies"
    seen = {beside.state["pid"], standby}
    for version in ("two", "three", "four"):
        state = await beside.save("app.py", APP.replace("one", version))
        assert await beside.page() == version
        assert await beside.is_copy()
        assert state["pid"] not in seen
        seen.add(state["pid"])
        assert children(beside.session.process.pid) >= {standby, state["pid"]}
    assert alive(standby)
    assert len(beside.told()) == 1


async def test_off_is_a_cold_start(beside: Beside) -> None:
    await beside.start(warmup="off")
    await beside.save("app.py", APP.replace("one", "two"))
    assert await beside.page() == "two"
    # There is no event for what does not come: several times as long as it would take to begin.
    await asyncio.sleep(5 * CALM)
    await eventually(lambda: children(beside.session.process.pid) == {beside.state["pid"]})
    assert beside.told() == []


async def test_framework_is_no_library(beside: Beside) -> None:
    beside.session.write("app.py", "import sqlite3\n" + APP)
    await beside.start(warmup="framework")
    _, _, ahead = await beside.ready()
    assert all(root.startswith(("flask", "werkzeug")) for root in ahead)


async def test_dependencies_are_what_the_last_start_imported(beside: Beside) -> None:
    await beside.start()
    _, _, ahead = await beside.ready()
    assert "sqlite3" not in ahead
    await beside.save("app.py", "import sqlite3\n" + APP)
    _, _, ahead = await beside.ready()
    assert "sqlite3" in ahead
    await beside.save("app.py", APP)
    _, _, ahead = await beside.ready()
    assert "sqlite3" not in ahead


async def test_a_start_that_fails_keeps_it(beside: Beside) -> None:
    beside.session.write("app.py", "import sqlite3\n" + APP)
    await beside.start()
    standby, _, _ = await beside.ready()
    await beside.save("app.py", "1 / 0\n", "failed")
    await beside.save("app.py", "import sqlite3\n" + APP.replace("one", "two"))
    assert await beside.page() == "two"
    assert await beside.is_copy()
    assert alive(standby) and len(beside.told()) == 1


async def test_an_edit_of_env_makes_it_anew(beside: Beside) -> None:
    beside.session.write(".env", "COLOUR=red\n")
    await beside.start()
    standby, _, _ = await beside.ready()
    assert await beside.page("/env") == "red"
    await beside.save(".env", "COLOUR=green\n")
    assert await beside.page("/env") == "green"
    assert (await beside.ready())[0] != standby
    await gone(standby)
    await beside.save("app.py", APP.replace("one", "two"))
    assert await beside.page("/env") == "green"


async def test_a_new_env_file_makes_it_anew(beside: Beside) -> None:
    await beside.start()
    standby, _, _ = await beside.ready()
    beside.session.write(".env", "COLOUR=red\n")  # without a word to the server
    await beside.save("app.py", APP.replace("one", "two"))
    assert await beside.page("/env") == "red"
    await gone(standby)


async def test_other_settings_make_it_anew(beside: Beside) -> None:
    port = free_port()
    await beside.start(port=port)
    standby, _, _ = await beside.ready()
    settings = {"port": port, "interpreter": sys.executable}
    beside.session.configure({**settings, "env": {"COLOUR": "blue"}})
    await beside.session.state("running", after=1)
    assert await beside.page("/env") == "blue"
    await gone(standby)
    await beside.ready()
    await beside.save("app.py", APP.replace("one", "two"))
    assert await beside.page("/env") == "blue"
    beside.session.configure({**settings, "env": {"COLOUR": "blue"}, "warmup": "off"})
    await gone(beside.told()[-1][0])


async def test_another_interpreter_makes_it_anew(beside: Beside, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    (venv / "lib" / Path(libraries).parent.name / "site-packages" / "other.pth").write_text(
        libraries + "\n"
    )
    beside.session.write(
        "app.py",
        APP + "import sys\napp.add_url_rule('/who', 'who', lambda: sys.prefix)\n",
    )
    port = free_port()
    await beside.start(port=port)
    standby, _, _ = await beside.ready()
    beside.session.configure({"port": port, "interpreter": str(venv / "bin" / "python")})
    await beside.session.state("running", after=1)
    await gone(standby)
    await beside.ready()
    await beside.save("app.py", (beside.session.folder / "app.py").read_text() + "\n")
    assert await beside.page("/who") == str(venv)
    assert await beside.is_copy()


async def test_installed_libraries_make_it_anew(beside: Beside, tmp_path: Path) -> None:
    """Whether one has come, or one that was imported has changed on disk without a word."""
    packages = tmp_path / "site-packages"
    library = packages / "lib.py"
    packages.mkdir()
    library.write_text("value = 'old'\n")
    beside.session.write(
        "app.py", APP + "import lib\napp.add_url_rule('/lib', 'lib', lambda: lib.value)\n"
    )
    await beside.start(env={"PYTHONPATH": str(packages)})
    standby, _, ahead = await beside.ready()
    assert "lib" in ahead
    library.write_text("value = 'newer'\n")
    text = (beside.session.folder / "app.py").read_text()
    await beside.save("app.py", text.replace("one", "two"))
    assert await beside.page("/lib") == "newer"
    standby, _, ahead = await beside.ready()
    (packages / "other.py").write_text("")
    await beside.save("app.py", text.replace("one", "three"))
    assert await beside.page("/lib") == "newer"
    await gone(standby)


async def test_another_folder_in_the_place_of_the_first(beside: Beside) -> None:
    await beside.start()
    standby, _, _ = await beside.ready()
    folder = beside.session.folder
    folder.rename(folder.with_name("before"))
    folder.mkdir()
    app = APP + "app.add_url_rule('/ls', 'ls', lambda: ' '.join(os.listdir('.')))\n"
    await beside.save("app.py", app)
    assert "app.py" in await beside.page("/ls")
    await gone(standby)


async def test_an_app_that_changes_its_surroundings_now(beside: Beside) -> None:
    """The standby is wrong for it. It gets a cold start, and what is learnt from that."""
    lines = "import sqlite3\napp.add_url_rule('/x', 'x', lambda: sqlite3.x)\n"
    beside.session.write("app.py", APP + lines)
    await beside.start()
    _, _, ahead = await beside.ready()
    assert "sqlite3" in ahead
    changed = APP + "import time\ntime.sleep = print\n" + lines
    await beside.save("app.py", changed)
    await beside.session.until(lambda: beside.state["state"] == "running")
    assert await beside.page() == "one"
    _, _, ahead = await beside.ready()
    assert "sqlite3" not in ahead
    await beside.save("app.py", changed.replace("one", "two"))
    assert await beside.page() == "two"
    assert await beside.is_copy()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_standby_that_is_killed(beside: Beside, number: int) -> None:
    await beside.start()
    standby, _, _ = await beside.ready()
    serving = beside.state["pid"]
    os.kill(standby, number)
    await gone(standby)
    assert await beside.page("/pid") == str(serving)
    await beside.save("app.py", APP.replace("one", "two"))
    assert await beside.page() == "two"
    await beside.ready()


PRINTS_AHEAD = """\
import os, select, stat, sys

if "app" not in sys.modules:
    # Ahead of the app: until the order to load has come, which nobody has read yet.
    open("ahead", "w").close()
    poll = select.poll()
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                poll.register(number, select.POLLIN)
        except OSError:
            pass
    poll.poll()
    print("ahead of the app")
"""


async def test_a_save_while_a_library_turns_out_to_be_unfit(beside: Beside, tmp_path: Path) -> None:
    """The standby is taken as it imports, and ends: no fault of the app's."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "lib.py").write_text(PRINTS_AHEAD)
    beside.session.write("app.py", "import lib\n" + APP)
    await beside.start(env={"PYTHONPATH": str(packages)})
    await eventually((beside.session.folder / "ahead").exists)
    await beside.save("app.py", "import lib\n" + APP.replace("one", "two"))
    assert await beside.page() == "two"
    assert "failed" not in [state for state, _ in beside.session.states()]
    _, _, ahead = await beside.ready()
    assert "lib" not in ahead


async def test_a_standby_that_stands_still(beside: Beside) -> None:
    """One that makes no copy holds nobody up for good."""
    await beside.start()
    standby, _, _ = await beside.ready()
    os.kill(standby, signal.SIGSTOP)
    for version in ("two", "three"):  # there may be a copy from before
        await beside.save("app.py", APP.replace("one", version))
        assert await beside.page() == version
    await gone(standby)


async def test_an_app_that_dies_takes_it_along(beside: Beside) -> None:
    await beside.start()
    standby, _, _ = await beside.ready()
    await beside.save("app.py", APP.replace("one", "two"))
    os.kill(beside.state["pid"], signal.SIGSEGV)
    failed = await beside.session.state("failed")
    assert failed["error"]["type"] == "SIGSEGV"
    await gone(standby)
    await beside.save("app.py", APP.replace("one", "three"))
    assert await beside.page() == "three"


async def test_stop_ends_it(beside: Beside) -> None:
    await beside.start()
    standby, _, _ = await beside.ready()
    await beside.session.command("stop")
    await beside.session.state("stopped")
    await gone(standby)
    await childless(beside.session.process.pid)


async def test_rapid_saves_with_it(beside: Beside) -> None:
    """Each that is the newest is answered fresh, whatever becomes of the standby meanwhile."""
    await beside.start()
    await beside.ready()
    url = beside.state["url"]
    for number in range(30):
        beside.session.save("app.py", APP.replace("one", f"version {number}"))
        await beside.session.barrier()
        assert (await beside.session.get(url))[1] == f"version {number}"


async def test_daemons_of_the_app_are_no_zombies(beside: Beside) -> None:
    """Orphans come to the server on Linux; it takes their exit status."""
    beside.session.write(
        "app.py",
        APP + "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.execvp('true', ['true'])\n    os._exit(0)\n"
        "else:\n    os.wait()\n",
    )
    await beside.start()
    for version in ("two", "three"):
        await beside.save("app.py", APP.replace("one", version))
        assert await beside.page() == version
    await beside.session.command("stop")
    await beside.session.state("stopped")
    await childless(beside.session.process.pid)


def children(pid: int) -> set[int]:
    """The children of a process, dead ones that were not reaped among them."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        found |= set(map(int, (task / "children").read_text().split()))
    return found


async def childless(pid: int) -> None:
    await eventually(lambda: not children(pid))


async def gone(pid: int) -> None:
    await until_gone(pid, 10)


async def eventually(seen: Callable[[], bool]) -> None:
    """Look until it is so: other processes send us no event."""
    for _ in range(1000):
        if seen():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("in vain")


async def test_a_dotenv_file_saved_with_other_files_counts(beside: Beside) -> None:
    """The copy of the standby that was taken for the first of them has read the old one."""
    session = beside.session
    session.write(".env", "COLOUR=red\n")
    await beside.start()
    await beside.ready()
    await beside.save("app.py", APP.replace("one", "two"))
    await asyncio.sleep(0.5)  # the copy for the next save is there
    session.write("app.py", APP.replace("one", "three"))
    session.did_save("app.py", "test_app.py")  # a Save All: settling takes 50 ms
    await asyncio.sleep(0.03)
    session.save(".env", "COLOUR=green\n")
    await session.state("running", after=2)
    assert await beside.page("/env") == "green"
