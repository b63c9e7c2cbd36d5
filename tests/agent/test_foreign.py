"""Servers that are not Werkzeug's: they serve on the language server's socket, as Werkzeug's does.

What is promised of a restart is promised of them, too.
"""

from __future__ import annotations

import select
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from agent.conftest import Start
from agent.driver import SECRET, Agent, ask, connect, get, listen, write
from agent.driver import answer as answer_on
from hotplate_agent import messages as m
from support.processes import needs_proc, ticks
from support.session import free_port

APP = """
from flask import Flask, request

app = Flask(__name__)


@app.route("/")
def index():
    return "one"


@app.route("/slow")
def slow():
    print("slow began", flush=True)
    SLEEP
    return "whole"


@app.route("/boom")
def boom():
    1 / 0


@app.route("/echo", methods=["POST"])
def echo():
    return request.data
"""

PLAIN = APP.replace("SLEEP", "import time; time.sleep(0.3)")
GREEN = {
    "gevent": APP.replace("SLEEP", "import gevent; gevent.sleep(0.3)"),
    "eventlet": APP.replace("SLEEP", "import eventlet; eventlet.sleep(0.3)"),
}
PATCHED = {
    "gevent": "from gevent import monkey\nmonkey.patch_all()\n",
    "eventlet": "import eventlet\neventlet.monkey_patch()\n",
}
SOCKETIO = """
from flask_socketio import SocketIO

socketio = SocketIO(app, async_mode=MODE)
socketio.run(app, port=PORT, debug=True)
"""

SERVERS = {
    "gevent": GREEN["gevent"]
    + """
from gevent.pywsgi import WSGIServer

WSGIServer(("127.0.0.1", PORT), app).serve_forever()
""",
    "gevent, patched": PATCHED["gevent"]
    + PLAIN
    + """
from gevent.pywsgi import WSGIServer

WSGIServer(("127.0.0.1", PORT), app).serve_forever()
""",
    "eventlet": GREEN["eventlet"]
    + """
import eventlet.wsgi

eventlet.wsgi.server(eventlet.listen(("127.0.0.1", PORT)), app)
""",
    "eventlet, patched": PATCHED["eventlet"]
    + PLAIN
    + """
import eventlet.wsgi

eventlet.wsgi.server(eventlet.listen(("127.0.0.1", PORT)), app)
""",
    "waitress": PLAIN + "import waitress\nwaitress.serve(app, host='127.0.0.1', port=PORT)\n",
    "wsgiref": PLAIN
    + """
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server


class Server(ThreadingMixIn, WSGIServer):
    pass


make_server("127.0.0.1", PORT, app, server_class=Server).serve_forever()
""",
    "SocketIO with gevent": PATCHED["gevent"] + PLAIN + SOCKETIO.replace("MODE", "'gevent'"),
    "SocketIO with eventlet": PATCHED["eventlet"] + PLAIN + SOCKETIO.replace("MODE", "'eventlet'"),
    "SocketIO with threads": PLAIN + SOCKETIO.replace("MODE", "'threading'"),
}


@pytest.fixture(params=list(SERVERS))
def script(request: pytest.FixtureRequest) -> str:
    """A script that serves its app, on PORT."""
    return SERVERS[request.param]


def serve(start: Start, folder: Path, python: str, script: str) -> Agent:
    """The second start of a script: its address is held already, and others wait there."""
    listener = listen()
    write(folder, {"main.py": script.replace("PORT", str(listener.getsockname()[1]))})
    agent = start(python)
    agent.serve(listener, script="main.py", fallback_port=listener.getsockname()[1])
    return agent


def test_the_whole_life(start: Start, tmp_path: Path, extensions: str, script: str) -> None:
    agent = serve(start, tmp_path, extensions, script)
    assert not agent.of(m.AskAlone), "it does not wait for the old generation"
    (asked,) = agent.of(m.Ask)
    assert asked.port == agent.port and asked.host in ("127.0.0.1", "localhost")
    assert agent.get().text == "one", agent.told()
    assert is_closed_after_its_answer(agent)
    with connect(agent.port) as silent, connect(agent.port) as slow:
        ask(slow, "/slow")
        wait_for_output(agent, "slow began")
        agent.drain()
        # One that has said nothing goes to the next generation; nobody accepts any more.
        assert len(agent.of(m.Handover)) == 1
        with connect(agent.port) as late:
            ask(late)
            ask(silent)
            answered = answer_on(slow)
            assert (answered.status, answered.text) == (200, "whole")
            assert agent.wait(5) is not None
            assert not select.select([late, silent], [], [], 0)[0]
    assert "Traceback" not in agent.stderr, agent.told()


def test_cheroot(start: Start, tmp_path: Path, extensions: str) -> None:
    """It takes its time to end, which the language server does not give it."""
    script = PLAIN + "from cheroot.wsgi import Server\nServer(('127.0.0.1', PORT), app).start()\n"
    agent = serve(start, tmp_path, extensions, script)
    assert is_closed_after_its_answer(agent)
    with connect(agent.port) as slow:
        ask(slow, "/slow")
        wait_for_output(agent, "slow began")
        agent.drain()
        assert answer_on(slow).text == "whole"


def test_a_first_start_asks_for_where_the_script_binds(
    start: Start, tmp_path: Path, extensions: str, script: str
) -> None:
    with listen() as found:
        port = found.getsockname()[1]
    write(tmp_path, {"main.py": script.replace("PORT", str(port))})
    agent = start(extensions)
    agent.load(script="main.py", fallback_port=1)
    asked: Any = agent.expect((m.AskAlone, m.Ask))  # type: ignore[arg-type]
    if isinstance(asked, m.AskAlone):  # Werkzeug does not bind
        agent.send(m.NowAlone())
        asked = agent.expect(m.Ask)
    assert asked.port == port and not asked.tls
    # It has let go of the address by now, and takes what it is given.
    agent.listener = listen("127.0.0.1", port)
    agent.send(m.Grant("127.0.0.1", port), agent.listener.fileno())
    agent.expect(m.Accepting)
    assert agent.get().text == "one"


def test_an_exception_in_a_request(
    start: Start, tmp_path: Path, extensions: str, script: str
) -> None:
    agent = serve(start, tmp_path, extensions, script)
    assert agent.get("/boom").status == 500
    raised = agent.expect(m.Raised)
    assert raised.report.type == "ZeroDivisionError"
    assert raised.report.frames[-1].file == str(tmp_path / "main.py")
    assert (raised.when, raised.view, raised.method) == ("request", "endpoint boom", "GET")
    assert raised.url == "http://127.0.0.1/boom"
    agent.hear_what_came()
    assert len(agent.of(m.Raised)) == 1


@pytest.mark.parametrize("name", ["gevent", "SocketIO with gevent", "SocketIO with eventlet"])
def test_requests_to_the_debugger_are_in_no_log(
    start: Start, tmp_path: Path, extensions: str, name: str
) -> None:
    logging = "import logging\nlogging.basicConfig(level=logging.INFO)\n"
    script = SERVERS[name].replace("=True)", "=True, log_output=True)")
    agent = serve(start, tmp_path, extensions, script.replace("app = ", logging + "app = ", 1))
    agent.get("/?__debugger__=yes&cmd=pinauth&pin=123-456-789&s=hidden")
    agent.get("/?__debugger__=%79es&cmd=pinauth&pin=123-456-789&s=hidden")
    agent.get(f"/__hotplate__/{SECRET}/1-1")
    agent.get("/?shown")
    wait_for_output(agent, "?shown")
    printed = agent.stdout + agent.stderr
    assert not any(secret in printed for secret in ("123-456", "hidden", SECRET)), printed


LOOKS = """
import errno
import socket
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", "index", lambda: "one")
seen = []


def by_code(port):
    with socket.socket() as sock:
        code = sock.connect_ex(("localhost", port))
    seen.append(errno.errorcode.get(code))
    return code == 0


def by_exception(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError as error:
        seen.append(errno.errorcode[error.errno])
        return False
    return True


@app.get("/later")
def later():
    return str(LOOK(app.config["PORT"]))


port = START
while LOOK(port):
    port += 1
app.config["PORT"] = port
print(seen, flush=True)
app.run(port=port)
"""


@pytest.mark.parametrize("patched", ["", *PATCHED.values()], ids=["plain", *PATCHED])
@pytest.mark.parametrize("look", ["by_code", "by_exception"])
def test_a_script_that_looks_for_a_free_port(
    start: Start, tmp_path: Path, extensions: str, look: str, patched: str
) -> None:
    """It finds the one that it had before free, as its process before has ended; not others."""
    with listen() as held, listen() as others:
        port = held.getsockname()[1]
        script = patched + LOOKS.replace("LOOK", look)
        write(tmp_path, {"main.py": script.replace("START", str(port))})
        agent = start(extensions)
        agent.load(script="main.py", fallback_port=port, held=True)
        assert agent.grant(held).port == port
        assert agent.get().text == "one"
        assert agent.get("/later").text == "True", "it is there now"
        assert "['ECONNREFUSED']" in agent.stdout
        # At a first start somebody else is there.
        port = others.getsockname()[1]
        write(tmp_path, {"main.py": script.replace("START", str(port))})
        agent = start(extensions)
        agent.load(script="main.py", fallback_port=port)
        assert agent.expect(m.Ask).port > port


def test_a_server_in_a_thread_is_not_the_app(start: Start, tmp_path: Path, extensions: str) -> None:
    """As prometheus_client's: it is made in the main thread, and serves in another."""
    server = """
    import threading
    from wsgiref.simple_server import make_server

    metrics = make_server("127.0.0.1", 0, None)
    threading.Thread(target=metrics.serve_forever, daemon=True).start()
    """
    write(
        tmp_path, {"main.py": textwrap.dedent(server) + SERVERS["waitress"].replace("PORT", "5000")}
    )
    agent = start(extensions)
    agent.serve(script="main.py", fallback_port=5000)
    assert agent.of(m.Ask)[0].port == 5000
    assert agent.get().text == "one"


def test_any_port(start: Start, tmp_path: Path, extensions: str) -> None:
    """A start that wants any port gets the one that the start before had."""
    write(tmp_path, {"main.py": SERVERS["gevent"].replace("PORT", "0")})
    agent = start(extensions)
    agent.serve(script="main.py")
    assert agent.of(m.Ask)[0].port == 0
    assert agent.get().text == "one"


def test_more_addresses_than_one(start: Start, tmp_path: Path, extensions: str) -> None:
    """Who is served at an address that nobody holds over a restart would meet old code there."""
    script = (
        PLAIN
        + """
import waitress
waitress.serve(app, listen="127.0.0.1:PORT localhost:PORT")
"""
    )
    agent = serve(start, tmp_path, extensions, script)
    assert agent.get().text == "one"
    agent.drain()
    assert agent.wait(5) is not None


def test_tls(start: Start, tmp_path: Path, extensions: str) -> None:
    script = f"""
from werkzeug.serving import make_ssl_devcert

cert, key = make_ssl_devcert("{tmp_path}/tls", host="localhost")
"""
    agents = {
        "gevent": """
from gevent.pywsgi import WSGIServer

WSGIServer(("127.0.0.1", PORT), app, certfile=cert, keyfile=key).serve_forever()
""",
        "eventlet": """
import eventlet, eventlet.wsgi

plain = eventlet.listen(("127.0.0.1", PORT))
eventlet.wsgi.server(eventlet.wrap_ssl(plain, certfile=cert, keyfile=key, server_side=True), app)
""",
    }
    for name, serving in agents.items():
        agent = serve(start, tmp_path, extensions, GREEN[name] + script + serving)
        assert agent.of(m.Ask)[0].tls, name
        assert get(agent.port, tls=True).text == "one", agent.told()
        agent.drain()
        assert agent.wait(5) is not None


def test_asyncio(start: Start, tmp_path: Path, extensions: str) -> None:
    script = """
import asyncio


async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.0 200 OK\\r\\n\\r\\none")
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", PORT)
    await server.serve_forever()


asyncio.run(main())
"""
    agent = serve(start, tmp_path, extensions, script.replace("\\\\", "\\"))
    assert agent.get().text == "one"
    with connect(agent.port):
        assert agent.get().text == "one"
        agent.drain()
        assert len(agent.of(m.Handover)) == 1
    assert agent.wait(5) is not None


@pytest.mark.parametrize("server", ["threading", "gevent", "eventlet"])
def test_a_websocket_is_hung_up_on(
    start: Start, tmp_path: Path, extensions: str, server: str
) -> None:
    """It would speak with old code; its client makes a new one."""
    main = PATCHED.get(server, "") + PLAIN + SOCKETIO.replace("MODE", repr(server))
    agent = serve(start, tmp_path, extensions, main)
    with connect(agent.port) as sock:
        sock.sendall(
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        data = b""
        while b'{"sid"' not in data:
            more = sock.recv(65536)
            assert more, (data, agent.told())
            data += more
        agent.drain(60)
        while sock.recv(65536):
            pass
    assert agent.wait(5) is not None


def test_its_address_is_somebody_elses(start: Start, tmp_path: Path, extensions: str) -> None:
    """The language server knows whose it is, and tells; the script's own error would not."""
    with listen() as taken:
        port = taken.getsockname()[1]
        write(tmp_path, {"main.py": SERVERS["eventlet"].replace("PORT", str(port))})
        agent = start(extensions)
        agent.load(script="main.py", fallback_port=port)
        assert agent.expect(m.Ask).port == port
        agent.send(m.Refuse("taken"))
        assert agent.wait(5) == 1
        assert "Traceback" not in agent.stderr


def is_closed_after_its_answer(agent: Agent) -> bool:
    """A kept connection would bring a request to old code."""
    with connect(agent.port) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n")
        data = b""
        while more := sock.recv(65536):
            data += more
        return data.endswith((b"one", b"one\r\n0\r\n\r\n"))


def wait_for_output(agent: Agent, text: str) -> None:
    while text not in agent.stdout + agent.stderr:
        assert agent.process.poll() is None, agent.told()
        select.select([], [], [], 0.005)


def test_who_waits_for_one_caller_is_not_the_app(start: Start, tmp_path: Path) -> None:
    """As `debugpy.listen()` does before `app.run()`."""
    write(
        tmp_path,
        {
            "main.py": """
        import socket, sys, threading
        from flask import Flask

        endpoints = socket.create_server(("127.0.0.1", 0))

        def call():
            with socket.create_connection(endpoints.getsockname()) as sock:
                sock.sendall(b"{}")

        threading.Thread(target=call).start()
        connection, _ = endpoints.accept()
        connection.close()
        endpoints.close()
        app = Flask(__name__)
        app.add_url_rule("/", "index", lambda: "hello")
        app.run(port=int(sys.argv[1]))
        """
        },
    )
    port = free_port()
    agent = start()
    agent.load(script="main.py", args=[str(port)], fallback_port=port)
    assert agent.expect(m.Ask).port == port


def test_a_view_that_asks_an_app_itself(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": """
        from wsgiref.simple_server import make_server
        from flask import Flask

        app = Flask(__name__)

        @app.route("/inner")
        def inner():
            return "inner"

        @app.route("/outer")
        def outer():
            app.test_client().get("/inner")
            raise ValueError("broken")

        make_server("127.0.0.1", 5000, app).serve_forever()
        """
        },
    )
    agent = start()
    agent.serve(script="main.py", fallback_port=5000)
    agent.get("/outer")
    raised = agent.expect(m.Raised)
    assert raised.view == "endpoint outer"
    assert raised.url.endswith("/outer")


@needs_proc
def test_without_descriptors_it_waits_and_does_not_spin(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": """
        import os, resource
        from wsgiref.simple_server import make_server
        from flask import Flask

        app = Flask(__name__)
        held = []

        @app.route("/fill")
        def fill():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            try:
                while True:
                    held.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                pass
            return "full"

        make_server("127.0.0.1", 0, app).serve_forever()
        """
        },
    )
    agent = start()
    agent.serve(script="main.py")
    with connect(agent.port) as sock:
        ask(sock, "/fill")  # its own connection is closed when it has been answered
        sock.recv(4096)
    socks = [connect(agent.port) for _ in range(8)]
    before = ticks(agent.process.pid)
    time.sleep(1)
    assert ticks(agent.process.pid) - before < 20  # of the hundred that a loop would take
    for sock in socks:
        sock.close()
