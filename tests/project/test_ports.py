"""Owners of ports are real processes that listen."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hotplate.project.listeners import from_lsof, from_proc
from hotplate.project.ports import Owner, describe, next_free, owner
from project.conftest import write

SERVER = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.create_server((sys.argv[1], int(sys.argv[2])), family=family) as server:
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
"""

Listen = Callable[..., tuple[subprocess.Popen[str], int]]


@pytest.fixture
def listen(workspace: Path) -> Iterator[Listen]:
    """Starts a program of the workspace that listens, and says on which port."""
    script = write(workspace / "serve.py", SERVER)
    started = []

    def start(host: str = "127.0.0.1", port: int = 0) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [sys.executable, "-u", script, host, str(port)],
            cwd=workspace,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        process.communicate("")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_the_owner_of_a_port(host: str, listen: Listen, workspace: Path) -> None:
    process, port = listen(host)
    found = owner(port, host)
    assert found is not None
    assert (found.pid, found.cwd) == (process.pid, workspace)
    assert found.command[-3:] == (str(workspace / "serve.py"), host, "0")
    assert "python" in (found.name or "")


def test_a_port_that_nobody_has() -> None:
    assert owner(free_port()) is None
    with socket.create_server(("127.0.0.1", 0)) as server:  # a client is no owner
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert owner(client.getsockname()[1]) is None
            found = owner(port)
            assert found is not None
            assert found.pid == os.getpid()


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")


@needs_proc
def test_who_listens_everywhere_stands_in_the_way_of_every_host(listen: Listen) -> None:
    process, port = listen("0.0.0.0")
    for host in ("127.0.0.1", "localhost", "some.name"):
        found = owner(port, host)
        assert found is not None
        assert found.pid == process.pid


@needs_proc
def test_who_has_the_very_address_is_named_and_who_has_another_is_not(listen: Listen) -> None:
    one, port = listen("127.0.0.1")
    other, _ = listen("127.0.0.2", port)
    for host, process in (("127.0.0.1", one), ("127.0.0.2", other)):
        found = owner(port, host)
        assert found is not None
        assert found.pid == process.pid
    assert owner(port, "127.0.0.3") is None


@needs_proc
def test_the_process_of_another_user_is_known_by_its_user(tmp_path: Path) -> None:
    # The kernel's own form, with a socket that no process we may look into has open.
    line = "0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4242 1"
    table = f"  sl  local_address rem_address   st\n   {line} 0000000000000000 100 0 0 10 0\n"
    write(tmp_path / "net" / "tcp", table)
    found = from_proc(5000, "127.0.0.1", 1, tmp_path)
    assert found == Owner(None, user="root")
    assert from_proc(5001, "127.0.0.1", 1, tmp_path) is None
    assert from_proc(5000, "127.0.0.1", 1, tmp_path / "missing") is None


@pytest.mark.skipif(not shutil.which("lsof"), reason="there is no lsof")
def test_the_owner_by_lsof(listen: Listen, workspace: Path) -> None:
    process, port = listen()
    found = from_lsof(port, 10)
    assert found is not None
    assert (found.pid, found.cwd) == (process.pid, workspace)
    assert "python" in (found.name or "")
    assert found.command[-3:] == (str(workspace / "serve.py"), "127.0.0.1", "0")
    assert from_lsof(free_port(), 10) is None


def test_no_lsof_is_no_owner() -> None:
    assert from_lsof(1, 1, "no-such-lsof") is None


@pytest.mark.parametrize(
    ("command", "cwd", "shown"),
    [
        (("/v/bin/python3", "/v/bin/flask", "run"), "../shop", "flask run in ../shop"),
        (("/v/bin/flask", "--app", "shop", "run"), ".", "flask --app shop run in this folder"),
        (("python3.12", "-X", "dev", "-u", "app.py"), "sub", "app.py in sub"),
        (("python", "-m", "flask", "run"), "../../..", "flask run in {root}"),
        (("python", "-c", "import secrets"), None, "python -c"),
        (("python",), None, ""),
        ((), None, ""),
        (("redis-server", "--requirepass", "hunter2"), None, "redis-server"),
        (("serve", "postgres://me:hunter2@db/x"), None, "serve"),
    ],
)
def test_an_owner_in_words(
    command: tuple[str, ...], cwd: str | None, shown: str, tmp_path: Path
) -> None:
    here = tmp_path / "a" / "b" / "c"
    where = Path(os.path.normpath(here / cwd)) if cwd else None
    text = describe(Owner(4121, "python", command, where), here)
    shown = shown.format(root=tmp_path)
    assert text == (f"python (pid 4121, {shown})" if shown else "python (pid 4121)")


def test_an_owner_of_whom_little_is_known() -> None:
    assert describe(None, Path("/")) == "another process"
    assert describe(Owner(None), Path("/")) == "another user's process"
    assert describe(Owner(None, user="root"), Path("/")) == "a process of the user root"
    assert describe(Owner(7), Path("/")) == "a process (pid 7)"
    assert "AirPlay Receiver (pid 7;" in describe(Owner(7, "ControlCenter"), Path("/"))


def test_the_next_free_port_passes_those_that_are_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = next_free("127.0.0.1", port - 1)
        assert found > port
        with socket.create_server(("127.0.0.1", found)):
            assert next_free("127.0.0.1", port - 1) > found


def test_a_port_whose_last_connections_are_fading_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            connection, _ = server.accept()
            connection.close()  # who closes first keeps the port in TIME_WAIT
            assert client.recv(1) == b""
    assert next_free("127.0.0.1", port - 1) == port


def test_there_may_be_no_next_port() -> None:
    assert next_free("127.0.0.1", 65535) == 0
    assert next_free("203.0.113.1", 5000) == 0  # an address that this machine has not
    assert next_free("a..b", 5000) == 0
    assert next_free("::1", 5000) > 5000
