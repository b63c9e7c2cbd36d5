"""The accept loop: nothing refused, nothing cut, nothing stale, and an end in time."""

from __future__ import annotations

import os
import re
import resource
import select
import socket
import threading
import time
from pathlib import Path

import pytest

from agent.conftest import Start
from agent.driver import WAIT, Agent, answer, ask, connect, get, listen, write
from hotplate_agent import messages as m
from support.environments import PAIRS, python_of
from support.processes import ticks

# A view can be held until the test opens the other end of a named pipe.
APP = """
    import atexit, os, time
    from flask import Flask, Response

    app = Flask(__name__)
    atexit.register(lambda: print("atexit ran", flush=True))

    @app.route("/")
    def index():
        return NAME

    @app.route("/held")
    def held():
        def body():
            yield "begun,"
            with open("gate") as gate:
                yield gate.read()
        return Response(body())

    @app.route("/endless")
    def endless():
        def body():
            while True:
                yield "data: tick" + chr(10) * 2
                time.sleep(0.01)
        return Response(body(), mimetype="text/event-stream")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    text = APP.replace("\n    ", "\n")
    write(tmp_path, {"old.py": "NAME = 'old'\n" + text, "new.py": "NAME = 'new'\n" + text})
    os.mkfifo(tmp_path / "gate")
    return tmp_path


def read_until(sock: socket.socket, wanted: bytes) -> bytes:
    data = b""
    while wanted not in data:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data


def read_rest(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def open_gate(folder: Path, text: str) -> None:
    (folder / "gate").write_text(text)


@pytest.mark.parametrize("threaded", [True, False])
def test_a_request_in_flight_is_answered_in_full(start: Start, app: Path, threaded: bool) -> None:
    agent = start()
    agent.serve(app="old", threaded=threaded)
    with connect(agent.port) as sock:
        ask(sock, "/held")
        read_until(sock, b"begun,")
        agent.drain(seconds=WAIT)  # `Released` comes though the request still runs
        assert agent.process.poll() is None
        open_gate(app, "whole")
        assert read_rest(sock).endswith(b"whole\r\n0\r\n\r\n" if threaded else b"whole")
    assert agent.wait() == 0
    assert "atexit ran" in agent.stdout


def test_an_endless_answer_ends_at_the_deadline(start: Start, app: Path) -> None:
    agent = start()
    agent.serve(app="old")
    with connect(agent.port) as sock:
        ask(sock, "/endless")
        read_until(sock, b"tick")
        before = time.monotonic()
        agent.drain(seconds=0.3)
        assert agent.wait() == 0
        assert 0.25 < time.monotonic() - before < 2
        assert read_rest(sock).count(b"tick") > 10  # it was answered until then
    assert "atexit ran" in agent.stdout


def test_an_idle_app_ends_at_once(start: Start, app: Path) -> None:
    agent = start()
    agent.serve(app="old")
    assert agent.get().text == "old"
    before = time.monotonic()
    agent.drain(seconds=WAIT)
    assert agent.wait() == 0
    assert time.monotonic() - before < 2
    assert "atexit ran" in agent.stdout


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads Linux's counters")
def test_an_idle_app_does_nothing(start: Start, app: Path) -> None:
    """No thread of it wakes up; Werkzeug's own loop would, each half second."""
    agent = start()
    agent.serve(app="old")
    agent.get()
    agent.expect(m.Loaded)

    def switches() -> dict[str, str]:
        told = {}
        for path in Path(f"/proc/{agent.process.pid}/task").glob("*/status"):
            lines = dict(line.split(":", 1) for line in path.read_text().splitlines())
            told[path.parent.name] = lines["voluntary_ctxt_switches"].strip()
        return told

    before = switches()
    while True:  # the request's thread may be ending yet
        select.select([], [], [], 0.8)
        after = switches()
        if set(after) == set(before):
            break
        before = after
    assert after == before
    assert len(after) == 2


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="sets another process's limit")
def test_without_descriptors_it_waits_and_does_not_spin(start: Start, app: Path) -> None:
    agent = start()
    agent.serve(app="old")
    agent.get()
    pid = agent.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, limits[1]))
    with connect(agent.port) as sock:
        ask(sock, "/")
        before = ticks(pid)
        select.select([], [], [], 0.5)  # nothing is to come of it
        assert ticks(pid) - before <= 3
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        assert read_rest(sock).endswith(b"old")


def test_nothing_holds_the_port_after_a_drain(start: Start, app: Path) -> None:
    agent = start()
    agent.serve(app="old")
    with connect(agent.port) as sock:
        ask(sock, "/held")
        read_until(sock, b"begun,")
        agent.drain(seconds=WAIT)
        # It still lives, for the request's sake, but the port is not its any more.
        port = agent.port
        assert agent.listener
        deadline = time.monotonic() + WAIT
        agent.listener.close()
        agent.listener = None
        while True:
            try:
                listen(port=port).close()
                break
            except OSError:
                assert time.monotonic() < deadline, agent.told()
        assert agent.process.poll() is None
        open_gate(app, "")
        read_rest(sock)


def test_an_idle_connection_is_handed_over(start: Start, app: Path) -> None:
    old, new = start(), start()
    new.load(app="new", generation=2)
    new.expect(m.Ask)
    old.serve(app="old")
    assert old.listener
    with connect(old.port) as idle, connect(old.port) as known:
        # An answer on a connection made later: the idle one has been accepted before.
        ask(known)
        assert answer(known).text == "old"
        old.drain()
        assert len(old.of(m.Handover)) == 1
        new.send(m.Grant("127.0.0.1", old.port), old.listener.fileno())
        for descriptor in old.descriptors:
            new.send(m.Connection(), descriptor)
        new.expect(m.Accepting)
        assert old.wait() == 0
        ask(idle)
        assert answer(idle).text == "new"


def test_a_connection_given_to_a_drained_app_comes_back(start: Start, app: Path) -> None:
    """All three orders in one write: none of them may overtake another."""
    agent = start()
    agent.load(app="old")
    agent.expect(m.Ask)
    listener = listen()
    ours, theirs = socket.socketpair()
    with listener, ours, theirs:
        agent.send(m.Grant("127.0.0.1", listener.getsockname()[1]), listener.fileno())
        agent.send(m.Connection(), theirs.fileno())
        agent.send(m.Drain(1))
        agent.send(m.Connection(), theirs.fileno())
        agent.expect(m.Handover)
        agent.expect(m.Released)
        agent.expect(m.Handover)
        agent.wait()
        assert "Traceback" not in agent.stderr


def test_drained_before_it_accepts(start: Start, app: Path) -> None:
    write(app, {"slow.py": "import time\nopen('gate').read()\ntime.sleep(60)\n"})
    agent = start()
    agent.load(app="slow")
    open_gate(app, "")  # returns once the app is importing
    agent.drain()
    agent.wait()
    agent.hear_all()
    assert agent.of(m.Failed) == []
    assert "Traceback" not in agent.stderr


def test_a_request_sent_after_the_order_is_never_answered(start: Start, app: Path) -> None:
    """Many clients, connecting and asking without pause, before, during and after the order."""
    agent = start()
    agent.serve(app="old")
    agent.get()  # Werkzeug sets its log up at the first request, and forgets some that meet there
    port = agent.port
    answered: list[float] = []  # when the first byte was sent of each request that was answered
    refused: list[BaseException] = []
    stop = threading.Event()

    def client(number: int) -> None:
        try:
            while not stop.is_set():
                with connect(port, 0.5) as sock:
                    if number % 2:
                        select.select([], [], [], 0.0005 * number)  # idle for a moment
                    sent = time.monotonic()
                    ask(sock)
                    try:
                        if answer(sock).text == "old":
                            answered.append(sent)
                    except TimeoutError:
                        return  # it waits for the next generation
        except BaseException as exc:
            refused.append(exc)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(12)]
    for each in clients:
        each.start()
    while len(answered) < 50:
        assert not refused
        select.select([], [], [], 0.005)
    agent.send(m.Drain(2))
    ordered = time.monotonic()
    agent.expect(m.Released)
    stop.set()
    agent.wait()
    for each in clients:
        each.join(WAIT)
    assert not refused
    assert max(answered) <= ordered
    assert agent.stderr.count('"GET / HTTP/1.1" 200') == len(answered) + 1


def test_restarts_under_load_lose_nothing(start: Start, app: Path) -> None:
    """Five generations on one socket, while clients ask: each request has a whole answer."""
    listener = listen()
    first = start()
    first.serve(listener, app="old")
    port = first.port
    answers: list[int] = []
    cut: list[str] = []
    errors: list[OSError] = []
    stop = threading.Event()

    def client() -> None:
        while not stop.is_set():
            try:
                got = get(port)
                answers.append(got.status)
                if not got.status:
                    cut.append(got.text)
            except OSError as error:
                errors.append(error)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for each in clients:
        each.start()
    current: Agent = first
    try:
        for generation in range(2, 6):
            following = start()
            following.load(app="new", generation=generation)
            following.expect(m.Ask)
            current.drain(seconds=WAIT)
            following.send(m.Grant("127.0.0.1", port), listener.fileno())
            for descriptor in current.descriptors:
                following.send(m.Connection(), descriptor)
            following.expect(m.Accepting)
            assert current.wait() == 0
            current.listener = None
            current = following
    finally:
        stop.set()
        for each in clients:
            each.join(WAIT)
    current.listener = listener
    assert (errors, cut) == ([], [])
    assert len(answers) > 20
    assert set(answers) == {200}


def test_the_next_generation_reads_nothing_of_a_slow_client_twice(start: Start, app: Path) -> None:
    """A request whose first half came before the order is the old one's to answer."""
    agent = start()
    agent.serve(app="old")
    with connect(agent.port) as sock:
        sock.sendall(b"GET / HT")
        with connect(agent.port) as other:
            ask(other)
            answer(other)  # the half of the request has been seen by now
        agent.drain()
        assert agent.of(m.Handover) == []
        sock.sendall(b"TP/1.0\r\n\r\n")
        assert answer(sock).text == "old"
    assert agent.wait() == 0


def test_connections_are_not_kept(start: Start, tmp_path: Path, end: str) -> None:
    """`protocol_version` made Werkzeug keep connections once; a save would not reach those."""
    write(
        tmp_path,
        {
            "main.py": """
            from flask import Flask
            from werkzeug.serving import WSGIRequestHandler

            app = Flask(__name__)
            app.add_url_rule("/", "index", lambda: "hello")
            WSGIRequestHandler.protocol_version = "HTTP/1.1"
            app.run(debug=True)
            """
        },
    )
    agent = start(end)
    agent.serve(script="main.py")
    with connect(agent.port) as sock:
        ask(sock, headers={"Connection": "keep-alive"})
        whole = read_rest(sock)  # ends, since the app closes
    assert whole.endswith(b"hello")
    assert len(re.findall(rb"(?i)connection: close", whole)) == 1


def test_an_app_that_shuts_its_server_down(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": """
            import threading
            from flask import Flask
            from werkzeug.serving import make_server

            app = Flask(__name__)
            server = make_server("127.0.0.1", 5000, app)

            @app.route("/")
            def index():
                return "hello"

            @app.route("/end")
            def end():
                threading.Thread(target=server.shutdown).start()
                return "bye"

            server.serve_forever()
            print("went on")
            """
        },
    )
    agent = start()
    agent.serve(script="main.py")
    assert agent.get("/").text == "hello"
    assert agent.get("/end").text == "bye"
    assert agent.wait() == 0
    assert "went on" in agent.stdout


def test_a_server_in_a_thread(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": """
            import threading
            from flask import Flask

            app = Flask(__name__)
            app.add_url_rule("/", "index", lambda: threading.current_thread().name)
            threading.Thread(target=app.run, kwargs={"use_reloader": False}).start()
            """
        },
    )
    agent = start()
    agent.serve(script="main.py")
    assert agent.get().status == 200
    agent.drain()
    assert agent.wait() == 0
    assert agent.of(m.Failed) == []


def test_worker_processes(start: Start, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main.py": """
            import os
            from flask import Flask

            app = Flask(__name__)
            started = os.getpid()

            @app.route("/")
            def index():
                return {"started": started, "pid": os.getpid()}

            @app.route("/held")
            def held():
                with open("gate") as gate:
                    return gate.read()

            app.run(processes=4, threaded=False)
            """
        },
    )
    os.mkfifo(tmp_path / "gate")
    agent = start()
    agent.serve(script="main.py")
    told = agent.get().json()
    assert told["started"] == agent.process.pid != told["pid"]
    with connect(agent.port) as sock:
        ask(sock, "/held")
        got = agent.get().json()
        assert got["pid"] != told["pid"]
        agent.drain(seconds=WAIT)
        open_gate(tmp_path, "whole")
        assert answer(sock).text == "whole"
    assert agent.wait() == 0


def test_a_process_that_the_app_forks_is_its_own(start: Start, tmp_path: Path) -> None:
    """It holds neither the channel nor the port, and may run a server for itself."""
    write(
        tmp_path,
        {
            "main.py": """
            import os
            from flask import Flask

            app = Flask(__name__)
            app.add_url_rule("/", "index", lambda: str(os.getpid()))
            if os.fork() == 0:
                app.run(port=int(os.environ["OTHER"]))
            app.run()
            """
        },
    )
    with listen() as held:
        other = held.getsockname()[1]
    agent = start(env={"OTHER": str(other)})
    agent.serve(script="main.py")
    assert agent.get().text == str(agent.process.pid)
    deadline = time.monotonic() + WAIT
    while True:
        try:
            assert get(other).text != str(agent.process.pid)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, agent.told()
    agent.drain()
    agent.wait()


def test_an_executor_ends_with_the_app(start: Start, tmp_path: Path) -> None:
    """Its threads are not daemons, and wait for the interpreter's end."""
    write(
        tmp_path,
        {
            "app.py": """
        import atexit
        from concurrent.futures import ThreadPoolExecutor
        from flask import Flask

        app = Flask(__name__)
        value = ThreadPoolExecutor().submit(pow, 2, 3)
        atexit.register(print, "at exit", flush=True)
        app.add_url_rule("/", "index", lambda: str(value.result()))
        """
        },
    )
    agent = start()
    agent.serve()
    assert agent.get().text == "8"
    agent.drain()
    assert agent.wait() == 0
    assert "at exit" in agent.stdout


def test_a_server_beside_a_loop(start: Start, tmp_path: Path) -> None:
    """As of a bot that has a page, too."""
    write(
        tmp_path,
        {
            "main.py": """
        import atexit, threading, time
        from flask import Flask

        app = Flask(__name__)
        app.add_url_rule("/", "index", lambda: "hello")
        atexit.register(print, "at exit", flush=True)
        threading.Thread(target=app.run, daemon=True).start()
        while True:
            time.sleep(0.5)
        """
        },
    )
    agent = start()
    agent.serve(script="main.py")
    assert agent.get().text == "hello"
    agent.drain()
    agent.wait()
    assert "at exit" in agent.stdout


def test_an_upload_that_offers_http2_is_not_cut(start: Start, tmp_path: Path) -> None:
    """`curl --http2` does. It is no WebSocket, which is hung up at once."""
    write(
        tmp_path,
        {
            "app.py": """
        from flask import Flask, request

        app = Flask(__name__)

        @app.route("/", methods=["POST"])
        def index():
            print("begun", flush=True)
            return str(len(request.get_data()))
        """
        },
    )
    agent = start()
    agent.serve()
    with connect(agent.port) as sock:
        sock.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nContent-Length: 10\r\n\r\nhello"
        )
        while "begun" not in agent.stdout:
            select.select([], [], [], 0.005)
        agent.drain(seconds=WAIT)
        sock.sendall(b"world")
        assert answer(sock).text == "10"


def test_an_old_way_to_shut_down(start: Start, tmp_path: Path) -> None:
    """Werkzeug's own has a process under a reloader kill itself."""
    write(
        tmp_path,
        {
            "main.py": """
        from flask import Flask, request

        app = Flask(__name__)

        @app.route("/shutdown")
        def shutdown():
            request.environ["werkzeug.server.shutdown"]()
            return "bye"

        app.run()
        print("went on", flush=True)
        """
        },
    )
    agent = start(python_of(PAIRS[0]))
    agent.serve(script="main.py")
    assert agent.get("/shutdown").text == "bye"
    assert agent.wait() == 0
    assert "went on" in agent.stdout


def test_continue_is_no_answer(start: Start, tmp_path: Path, end: str) -> None:
    """With HTTP/1.1, each answer says that the connection closes; that one is none yet."""
    write(
        tmp_path,
        {
            "main.py": """
        from flask import Flask, request
        from werkzeug.serving import WSGIRequestHandler

        WSGIRequestHandler.protocol_version = "HTTP/1.1"
        app = Flask(__name__)

        @app.route("/", methods=["POST"])
        def index():
            return str(len(request.get_data()))

        app.run()
        """
        },
    )
    agent = start(end)
    agent.serve(script="main.py")
    with connect(agent.port) as sock:
        sock.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\n"
            b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        first = sock.recv(4096)
        assert b"100 Continue" in first and b"close" not in first
        sock.sendall(b"hello")
        assert b"onnection: close" in read_rest(sock)
