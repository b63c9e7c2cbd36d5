"""The end of the server is the end of the agent and of all that it has started; and the channel
is nobody else's."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.conftest import Start
from agent.driver import Agent, ask, connect, write
from hotplate.supervision.autopsy import examine
from hotplate_agent import messages as m

BUSY = {
    "sleep": "import time; time.sleep(600)",
    "loop": "while True: pass",
    "swallows": """
while True:
    try:
        while True: pass
    except BaseException: pass
""",
    "lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
}
HOLDS_THE_INTERPRETER = "import re; re.match('(a+)+$', 'a' * 64 + 'b')"

MAIN = """
import subprocess, sys
code = "import time; print('up', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
child.stdout.readline()
with open("child", "w") as file:
    print(child.pid, file=file)
print("busy", flush=True)
"""


def gone(pid: int, seconds: float = 1.0) -> bool:
    """Whether a process that is no child of ours has ended within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            if not os.path.exists("/proc/self"):
                try:
                    os.kill(pid, 0)
                except ProcessLookupError:
                    return True
            else:
                return True
        select.select([], [], [], 0.01)
    return False


def busy(start: Start, folder: Path, code: str, **more: object) -> tuple[Agent, int]:
    """An app that is busy while it starts, and the process that it has started before."""
    write(folder, {"main.py": MAIN + code})
    os.mkfifo(folder / "child")
    agent = start(**more)
    agent.load(script="main.py")
    child = int((folder / "child").read_text())
    while "busy" not in agent.stdout:
        assert agent.process.poll() is None, agent.told()
        select.select([], [], [], 0.005)
    return agent, child


@pytest.mark.parametrize("what", BUSY)
def test_the_end_of_the_server_ends_all(start: Start, tmp_path: Path, what: str) -> None:
    agent, child = busy(start, tmp_path, BUSY[what], lifeline=False)
    agent.hang_up()
    assert agent.wait(1) == -signal.SIGKILL
    assert gone(child)


@pytest.mark.parametrize("what", ["loop", "swallows"])
def test_among_many_processes(start: Start, tmp_path: Path, what: str) -> None:
    """All of them are looked at, by a thread that an app in a loop would let run 200 times a
    second."""
    sleepers = [subprocess.Popen(["sleep", "600"]) for _ in range(150)]
    try:
        agent, child = busy(start, tmp_path, BUSY[what], lifeline=False)
        agent.hang_up()
        assert agent.wait(1) == -signal.SIGKILL
        assert gone(child)
    finally:
        for sleeper in sleepers:
            sleeper.kill()
        for sleeper in sleepers:
            sleeper.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a signal on a pipe's end")
def test_also_where_c_code_holds_the_interpreter(start: Start, tmp_path: Path) -> None:
    """An app that has started processes is the server's guard's: see `tests/reliability`."""
    write(tmp_path, {"main.py": "print('busy', flush=True)\n" + HOLDS_THE_INTERPRETER})
    agent = start()
    agent.load(script="main.py")
    while "busy" not in agent.stdout:
        assert agent.process.poll() is None, agent.told()
        select.select([], [], [], 0.005)
    agent.hang_up()
    assert agent.wait(1) == -signal.SIGKILL


def test_while_it_waits_to_load(start: Start) -> None:
    for lifeline in (True, False):
        agent = start(lifeline=lifeline)
        agent.expect(m.Booted)
        agent.hang_up()
        agent.wait(1)


def test_while_it_waits_for_its_socket(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"app.py": "from flask import Flask; app = Flask(__name__)"})
    agent = start(lifeline=False)
    agent.load()
    agent.expect(m.Ask)
    agent.hang_up()
    agent.wait(1)


def test_while_it_serves_and_while_it_drains(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": """
            import time
            from flask import Flask

            app = Flask(__name__)
            app.add_url_rule("/", "index", lambda: print("in", flush=True) or time.sleep(600))
            """
        },
    )
    for draining in (False, True):
        agent = start(lifeline=False)
        agent.serve()
        with connect(agent.port) as sock:
            ask(sock)
            while "in" not in agent.stdout:
                select.select([], [], [], 0.005)
            if draining:
                agent.drain(600)
            agent.hang_up()
            agent.wait(1)


def test_a_server_that_talks_nonsense(start: Start) -> None:
    agent = start()
    agent.expect(m.Booted)
    agent.channel.sendall(b"\xff" * 8)
    assert agent.wait(5) != 0


def test_an_app_that_closes_all_descriptors(start: Start, tmp_path: Path) -> None:
    """As one does that makes itself a daemon. The line's number is then another file's."""
    write(
        tmp_path,
        {
            "app.py": """
            import os
            os.closerange(3, 256)
            precious = [open("precious%d" % number, "w+") for number in range(20)]
            from flask import Flask
            app = Flask(__name__)
            """
        },
    )
    agent = start()
    agent.load()
    assert agent.wait(5) == 1
    assert "closed file descriptor" in agent.stderr
    assert [(tmp_path / f"precious{number}").read_text() for number in range(20)] == [""] * 20


def test_a_socket_of_the_apps_in_the_lines_place(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": """
            import os, socket
            os.closerange(3, 256)
            pairs = [socket.socketpair() for _ in range(20)]
            from flask import Flask
            app = Flask(__name__)

            import atexit
            """
        },
    )
    agent = start()
    agent.load()
    assert agent.wait(5) == 1
    assert "closed file descriptor" in agent.stderr


def test_what_the_app_prints_is_no_message(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": r"""
            import os, sys
            from flask import Flask
            sys.stdout.buffer.write(b"\x00\x00\x00\x14" + b'{"type": "Released"}' + b"\n")
            sys.stdout.flush()
            os.write(2, b"\xff\xfe\x00")
            app = Flask(__name__)
            app.add_url_rule("/", "index", lambda: "hello")
            """
        },
    )
    agent = start()
    agent.serve()
    assert agent.get().text == "hello"
    assert agent.of(m.Released) == []
    assert '{"type": "Released"}' in agent.stdout


def test_lines_come_as_they_are_printed(start: Start, tmp_path: Path) -> None:
    write(tmp_path, {"main.py": "print('first')\nopen('gate').read()\n"})
    os.mkfifo(tmp_path / "gate")
    agent = start()
    agent.load(script="main.py")
    with open(tmp_path / "gate", "w"):
        assert agent.stdout == "first\n"


def test_a_death_is_noted_with_its_line(start: Start, tmp_path: Path) -> None:
    """What the black box holds is read by the server (`supervision.autopsy`)."""
    deaths = {
        "exit": "os._exit(3)",
        "kill": "os.kill(os.getpid(), 9)",
        "segv": "import ctypes; ctypes.string_at(0)",
        "abort": "os.abort()",
    }
    for name, death in deaths.items():
        write(
            tmp_path,
            {
                f"{name}_main.py": f"import os\n\ndef die():\n    {death}\n\ndie()\n",
                f"{name}_app.py": f"""
                import os
                from flask import Flask

                app = Flask(__name__)

                @app.route("/")
                def die():
                    {death}
                """,
            },
        )
        agent = start()
        agent.load(script=f"{name}_main.py")
        agent.wait()
        assert place_in(agent.box, tmp_path) == (str(tmp_path / f"{name}_main.py"), 4, "die"), name

        agent = start()
        agent.serve(app=f"{name}_app")
        assert agent.get().status == 0
        agent.wait()
        assert place_in(agent.box, tmp_path) == (str(tmp_path / f"{name}_app.py"), 8, "die"), name


def place_in(box: bytes, folder: Path) -> tuple[str, int, str]:
    """The last line of the person's code, as the server finds it."""
    frames = examine(-9, box, b"", serving=True).report.frames
    own = [frame for frame in frames if Path(frame.file).parent == folder]
    assert own, box.replace(b"\0", b" ")
    return own[-1].file, own[-1].line, own[-1].function
