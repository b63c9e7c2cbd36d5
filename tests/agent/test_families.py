"""Processes that an app makes, by fork and by starting programs: they are as they would be."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from agent.conftest import Start
from agent.driver import WAIT, Agent, answer, ask, connect, get, write
from hotplate_agent import messages as m
from support.processes import needs_proc
from support.session import free_port


def children(agent: Agent) -> set[str]:
    """Its children, those that are dead and not reaped included."""
    pid = agent.process.pid
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@pytest.mark.parametrize(
    ("end", "code"),
    [("sys.exit(3)", 3), ("raise ValueError('in the child')", 1), ("pass", 0)],
    ids=["exits", "raises", "ends"],
)
@pytest.mark.parametrize("kind", ["script", "app"])
def test_a_forked_child_comes_to_its_own_end(
    start: Start, tmp_path: Path, kind: str, end: str, code: int
) -> None:
    """And does not take itself for an app that has failed to start."""
    source = f"""
        import os, sys
        from flask import Flask

        app = Flask(__name__)
        child = os.fork()
        if child == 0:
            {end}
            {"os._exit(0)" if kind == "app" and end == "pass" else ""}

        @app.route("/")
        def index():
            _, status = os.waitpid(child, 0)
            return str(os.WEXITSTATUS(status) if os.WIFEXITED(status) else -status)

        if child and {kind == "script"}:
            app.run()
        """
    write(tmp_path, {"app.py": source})
    agent = start()
    if kind == "script":
        agent.load(script="app.py", fallback_port=free_port())
    else:
        agent.load(fallback_port=free_port())
    agent.grant()
    assert agent.get().text == str(code)
    assert len(agent.of(m.Ask)) == 1


@pytest.mark.parametrize("kind", ["popen", "spawn"])
def test_a_program_that_the_app_starts_may_serve(start: Start, tmp_path: Path, kind: str) -> None:
    write(
        tmp_path,
        {
            "other.py": """
        import sys
        from flask import Flask

        app = Flask(__name__)
        app.add_url_rule("/", "index", lambda: "other")

        def run(port):
            app.run(port=port)

        if __name__ == "__main__":
            run(int(sys.argv[1]))
        """,
            "main.py": """
        import multiprocessing, os, subprocess, sys
        from flask import Flask
        import other

        if __name__ == "__main__":
            if os.environ["KIND"] == "popen":
                subprocess.Popen([sys.executable, "other.py", os.environ["OTHER"]])
            else:
                spawn = multiprocessing.get_context("spawn")
                spawn.Process(target=other.run, args=(int(os.environ["OTHER"]),)).start()
            app = Flask(__name__)
            app.add_url_rule("/", "index", lambda: os.environ["WERKZEUG_RUN_MAIN"])
            app.run()
        """,
        },
    )
    port = free_port()
    agent = start(env={"KIND": kind, "OTHER": str(port)})
    agent.serve(script="main.py")
    assert agent.get().text == "true"
    deadline = time.monotonic() + WAIT
    while True:
        try:
            assert get(port).text == "other"
            break
        except OSError:
            assert time.monotonic() < deadline, agent.told()
            time.sleep(0.05)


def test_spawn_where_flask_has_no_script(start: Start, tmp_path: Path) -> None:
    """As after `pip install --user`, or in an environment with the system's packages."""
    import flask

    venv = tmp_path / "venv"
    base = os.path.realpath(sys.executable)
    site = venv / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"
    site.mkdir(parents=True)
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(base)
    (venv / "pyvenv.cfg").write_text(f"home = {os.path.dirname(base)}\n")
    (site / "flask.pth").write_text(f"{Path(flask.__file__).parents[1]}\n")
    write(
        tmp_path,
        {
            "work.py": "def work(): pass\n",
            "app.py": """
        import multiprocessing
        from flask import Flask
        from work import work

        app = Flask(__name__)

        @app.route("/")
        def index():
            process = multiprocessing.get_context("spawn").Process(target=work)
            process.start()
            process.join()
            return str(process.exitcode)
        """,
        },
    )
    agent = start(str(venv / "bin" / "python"))
    agent.serve()
    assert agent.get().text == "0", agent.stderr


@needs_proc
def test_worker_processes_are_as_many_as_were_asked_for(start: Start, tmp_path: Path) -> None:
    """And those that have ended are reaped with the next request."""
    write(
        tmp_path,
        {
            "main.py": """
        import os, time
        from flask import Flask

        app = Flask(__name__)

        @app.route("/held")
        def held():
            while not os.path.exists("go"):
                time.sleep(0.01)
            return "held"

        app.add_url_rule("/", "index", lambda: "hello")
        app.run(processes=2, threaded=False)
        """
        },
    )
    agent = start()
    agent.serve(script="main.py")
    for _ in range(8):
        assert agent.get().text == "hello"
    assert len(children(agent)) <= 2
    socks = [connect(agent.port) for _ in range(6)]
    for sock in socks:
        ask(sock, "/held")
    deadline = time.monotonic() + 0.5  # in which nothing more than two may come
    while time.monotonic() < deadline:
        assert len(children(agent)) <= 2
        time.sleep(0.02)
    (tmp_path / "go").touch()
    for sock in socks:
        assert answer(sock).text == "held"
        sock.close()
