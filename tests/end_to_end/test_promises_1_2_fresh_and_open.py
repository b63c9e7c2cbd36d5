"""Promises 1 and 2: no request after a save meets older code; connecting never fails."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from support.session import Session, get

APP = """\
from flask import Flask

import version

app = Flask(__name__)


@app.get("/")
def index():
    return str(version.NUMBER)
"""


def request_on(connection: socket.socket) -> str:
    """Send a request on a connection that is open already; the body of the answer."""
    connection.settimeout(30)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.read().decode()


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    return parts.hostname, parts.port


async def test_1_two_saves_of_one_size_within_a_second(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    folder = project({"app.py": APP, "version.py": "NUMBER = 1000\n"})
    session = open_session(folder)
    url = (await session.run())["url"]
    for number in range(1001, 1021, 2):
        for each in (number, number + 1):
            session.save("version.py", f"NUMBER = {each}\n")
            await session.barrier()
            assert await session.get(url) == (200, str(each))


async def test_1_bytecode_that_looks_right(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """A save in the second, and even with the very time, of the version that was compiled."""
    folder = project({"app.py": APP, "version.py": "NUMBER = 1000\n"})
    old = 1_700_000_000_000_000_000
    os.utime(folder / "version.py", ns=(old, old))
    session = open_session(folder)
    url = (await session.run())["url"]
    assert list((folder / "__pycache__").glob("version.*.pyc"))
    for number, time in ((1001, old + 500_000_000), (1002, old + 500_000_000)):
        session.write("version.py", f"NUMBER = {number}\n")
        os.utime(folder / "version.py", ns=(time, time))
        session.did_save("version.py")
        await session.barrier()
        assert await session.get(url) == (200, str(number))
    await session.command("stop")
    await session.state("stopped")
    session.write("version.py", "NUMBER = 1003\n")
    os.utime(folder / "version.py", ns=(old, old))
    session.did_save("version.py")
    await session.command("start")
    await session.state("running", after=3)
    assert await session.get(url) == (200, "1003")


async def test_1_the_tail_of_a_burst_of_saves_within_a_second(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """Saves that come while the start that the first has set off is under way, at any depth."""
    folder = project({"app.py": APP, "version.py": "NUMBER = 1000\n"})
    session = open_session(folder)
    url = (await session.run(threaded=False))["url"]
    number = 1000
    for pause in (0, 0.005, 0.02, 0.06, 0.1, 0.15):
        for _ in range(3):
            number += 1
            session.save("version.py", f"NUMBER = {number}\n")
            await asyncio.sleep(pause)
        await session.barrier()
        assert await session.get(url) == (200, str(number)), pause


async def test_1_connections_opened_before_the_save(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """A browser opens connections ahead of time, and uses them after the save."""
    folder = project({"app.py": APP, "version.py": "NUMBER = 1000\n"})
    session = open_session(folder)
    url = (await session.run())["url"]
    generation = 1
    for number in range(1001, 1006):
        idle = [socket.create_connection(address(url)) for _ in range(5)]
        await session.get(url)  # the queue is in order: those before have been accepted
        session.save("version.py", f"NUMBER = {number}\n")
        await session.barrier()
        for connection in idle[:2]:
            assert await asyncio.to_thread(request_on, connection) == str(number)
        generation = (await session.state("running", after=generation))["generation"]
        for connection in idle[2:4]:
            assert await asyncio.to_thread(request_on, connection) == str(number)
        for connection in idle:
            connection.close()


async def test_1_connections_opened_before_saves_that_break_and_mend(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """They outlive many generations, failed ones and dead ones among them."""
    folder = project({"app.py": APP, "version.py": "NUMBER = 1000\n"})
    session = open_session(folder)
    url = (await session.run())["url"]
    idle = [socket.create_connection(address(url)) for _ in range(3)]
    await session.get(url)
    session.save("version.py", "NUMBER = \n")
    await session.state("failed", after=1)
    idle.append(socket.create_connection(address(url)))
    session.save("version.py", "import os\nos._exit(3)\n")
    await session.state("failed", after=2)
    idle.append(socket.create_connection(address(url)))
    assert "ProcessExit" in (await session.get(url))[1]
    session.save("version.py", "NUMBER = 1001\n")
    await session.barrier()
    answers = await asyncio.gather(*(asyncio.to_thread(request_on, each) for each in idle))
    assert answers == ["1001"] * 5
    for connection in idle:
        connection.close()


async def test_1_a_file_that_was_read_at_start(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    app = """\
    from pathlib import Path
    from flask import Flask

    NAME = (Path(__file__).parent / "config.toml").read_text().strip()
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: NAME)
    """
    folder = project({"app.py": app.replace("    ", ""), "config.toml": "name = 'a'"})
    session = open_session(folder)
    url = (await session.run())["url"]
    for letter in "bcde":
        session.save("config.toml", f"name = '{letter}'")
        await session.barrier()
        assert await session.get(url) == (200, f"name = '{letter}'")
    # As editors save that are careful: a new file in the place of the old one.
    os.replace(session.write("config.toml.new", "name = 'f'"), folder / "config.toml")
    session.did_save("config.toml")
    await session.barrier()
    assert await session.get(url) == (200, "name = 'f'")


async def test_1_a_save_while_the_restart_before_hangs_in_an_import(
    project: Callable[..., Path], open_session: Callable[[Path], Session], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    folder = project({"app.py": APP, "version.py": "NUMBER = 1000\n"})
    session = open_session(folder)
    url = (await session.run())["url"]
    hanging = f"NUMBER = 1001\nprint('here', flush=True)\nopen({str(pipe)!r}).read()\n"
    session.save("version.py", hanging)
    await session.notification("hotplate/output", lambda p: "here" in p["text"])
    asked = asyncio.create_task(session.get(url))
    session.save("version.py", "NUMBER = 1002\n")
    await session.barrier()
    assert await session.get(url) == (200, "1002")
    assert await asked == (200, "1002")


class Hammer:
    """Threads that ask in a tight loop, and hold each answer against what was acknowledged."""

    def __init__(self, url: str, threads: int, connect_only: bool = False) -> None:
        self.url = url
        self.acknowledged = 0
        self.mistakes: list[str] = []
        self.done = 0
        self._end = False
        target = self._connect if connect_only else self._ask
        self._threads = [threading.Thread(target=target) for _ in range(threads)]

    def __enter__(self) -> Hammer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end = True
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._end:
            expected = self.acknowledged
            try:
                status, body = get(self.url)
            except (OSError, http.client.HTTPException) as error:
                self.mistakes.append(repr(error))
                continue
            if status != 200 or int(body) < expected:
                self.mistakes.append(f"{status}, {body[:200]} after {expected}")
            self.done += 1

    def _connect(self) -> None:
        while not self._end:
            try:
                with socket.create_connection(address(self.url), timeout=30) as connection:
                    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    if not connection.recv(1024):
                        self.mistakes.append("closed without an answer")
            except OSError as error:
                self.mistakes.append(repr(error))
            self.done += 1


async def test_1_under_a_hammer(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    folder = project({"app.py": APP, "version.py": "NUMBER = 1000\n"})
    session = open_session(folder)
    url = (await session.run())["url"]
    with Hammer(url, 4) as hammer:
        for number in range(1001, 1021):
            session.save("version.py", f"NUMBER = {number}\n")
            await session.barrier()
            hammer.acknowledged = number
            if number % 3:  # some come while the restart before is under way
                await session.until(lambda: session.states()[-1][0] == "running")
    assert not hammer.mistakes
    assert hammer.done
    assert await session.get(url) == (200, "1020")


async def test_2_connecting_never_fails(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """Over restarts, failures and crashes at import and while it serves."""
    folder = project({"app.py": APP, "version.py": "NUMBER = 1000\n"})
    session = open_session(folder)
    url = (await session.run())["url"]
    generation = 1
    with Hammer(url, 2, connect_only=True) as hammer:
        for number in range(15):
            text, state = [
                (f"NUMBER = {1000 + number}\n", "running"),
                ("NUMBER = \n", "failed"),
                ("import os\nos._exit(3)\n", "failed"),
            ][number % 3]
            session.save("version.py", text)
            generation = (await session.state(state, after=generation))["generation"]
            if number in (6, 12):
                pid = session.notifications("hotplate/state")[-1]["pid"]
                os.kill(pid, signal.SIGKILL)
                await session.state("failed", after=generation - 1)
        await session.command("restart")
        await session.state("failed", after=generation)
    assert hammer.done
    # What a process that was killed has had in its hands is lost; that is all.
    lost = [mistake for mistake in hammer.mistakes if "refused" in mistake]
    assert not lost
    assert len(hammer.mistakes) <= 2 * 2, hammer.mistakes


async def test_2_an_address_that_only_the_script_knows(
    project: Callable[..., Path], open_session: Callable[[Path], Session]
) -> None:
    """The port is set, the host is not: what the script asks for wins, and is kept."""
    script = APP + 'if __name__ == "__main__":\n    app.run(host="0.0.0.0", port=1)\n'
    folder = project({"app.py": script, "version.py": "NUMBER = 1000\n"})
    session = open_session(folder)
    url = (await session.run(script="app.py"))["url"]
    with Hammer(url, 1, connect_only=True) as hammer:
        for number in range(1001, 1004):
            session.save("version.py", f"NUMBER = {number}\n")
            await session.barrier()
            assert await session.get(url) == (200, str(number))
        session.save("version.py", "NUMBER = \n")
        await session.state("failed", after=4)
        assert (await session.get(url))[0] == 500
        session.save("version.py", "NUMBER = 1\n")
        await session.barrier()
        assert await session.get(url) == (200, "1")
    assert not hammer.mistakes
