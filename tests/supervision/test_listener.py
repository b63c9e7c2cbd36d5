"""The listening socket, on real addresses of this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hotplate.supervision.listener import Listener, ListenError

SECONDS = 5


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    opened: list[Listener] = []

    def open_(host: str = "127.0.0.1", port: int = 0) -> Listener:
        opened.append(Listener(host, port))
        return opened[-1]

    yield open_
    for listener in opened:
        listener.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def reach(listener: Listener) -> socket.socket:
    if listener.socket.family == socket.AF_UNIX:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        connection.connect(listener.socket.getsockname())
        return connection
    return socket.create_connection(listener.socket.getsockname()[:2], SECONDS)


def accept(listener: Listener) -> socket.socket:
    listener.socket.settimeout(SECONDS)
    connection, _address = listener.socket.accept()
    connection.settimeout(SECONDS)
    return connection


def test_connections_queue_while_nobody_accepts(listen: Callable[..., Listener]) -> None:
    listener = listen()
    waiting = [reach(listener) for _ in range(200)]
    for number, connection in enumerate(waiting):
        connection.sendall(str(number).encode())
        connection.shutdown(socket.SHUT_WR)

    heard = set()
    for _ in waiting:
        with accept(listener) as connection:
            heard.add(connection.recv(10))
    assert heard == {str(number).encode() for number in range(200)}
    for connection in waiting:
        connection.close()


def test_nobody_can_be_blocked_by_accepting(listen: Callable[..., Listener]) -> None:
    with pytest.raises(BlockingIOError):
        listen().socket.accept()


def test_a_free_port_is_taken_for_port_0(listen: Callable[..., Listener]) -> None:
    one, other = listen(port=0), listen(port=0)
    assert one.port and other.port and one.port != other.port
    assert one.port == one.socket.getsockname()[1]


def test_a_port_can_be_opened_again_at_once(listen: Callable[..., Listener]) -> None:
    first = listen()
    with reach(first) as client, accept(first) as served:
        served.close()  # so it is this side that has to wait
        assert client.recv(1) == b""
    first.close()
    assert listen(port=first.port).port == first.port


def test_a_taken_port_is_told_as_such(listen: Callable[..., Listener]) -> None:
    held = listen()
    with pytest.raises(ListenError) as caught:
        listen(port=held.port)
    assert (caught.value.kind, caught.value.host, caught.value.port) == (
        "taken",
        "127.0.0.1",
        held.port,
    )


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_told_as_such(host: str) -> None:
    with pytest.raises(ListenError) as caught:
        Listener(host, 0)
    assert caught.value.kind == "unknown"


def test_a_closed_listener_refuses(listen: Callable[..., Listener]) -> None:
    listener = listen()
    address = listener.socket.getsockname()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, SECONDS)


@needs_ipv6
def test_ipv6(listen: Callable[..., Listener]) -> None:
    listener = listen("::1")
    with reach(listener), accept(listener):
        pass
    assert listener.url(tls=False) == f"http://[::1]:{listener.port}"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("0.0.0.0", "127.0.0.1"),
        pytest.param("::", "[::1]", marks=needs_ipv6),
    ],
)
def test_the_url_is_one_that_a_browser_here_can_open(
    listen: Callable[..., Listener], host: str, shown: str
) -> None:
    listener = listen(host)
    assert listener.url(tls=False) == f"http://{shown}:{listener.port}"
    assert listener.url(tls=True) == f"https://{shown}:{listener.port}"


def test_what_a_listener_serves(listen: Callable[..., Listener]) -> None:
    free = listen(port=0)
    assert free.serves("127.0.0.1", 0)
    assert free.serves("127.0.0.1", free.port)
    assert not free.serves("127.0.0.1", free.port + 1)
    assert not free.serves("localhost", free.port)

    fixed = listen("localhost", listen_and_forget())
    assert fixed.serves("localhost", fixed.port)
    assert not fixed.serves("localhost", 0), "any free port was asked for, not this one"


def listen_and_forget() -> int:
    """A port that was free a moment ago."""
    listener = Listener("127.0.0.1", 0)
    listener.close()
    return listener.port


# ---------------------------------------------------------------- unix sockets


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s") / "app.sock"


def test_a_unix_socket(listen: Callable[..., Listener], path: Path) -> None:
    listener = listen(f"unix://{path}", 5000)
    with reach(listener), accept(listener):
        pass
    assert listener.serves(f"unix://{path}", 5000)
    assert listener.url(tls=False) is None
    listener.close()
    assert not path.exists()


def test_what_a_dead_process_has_left_is_in_nobodys_way(
    listen: Callable[..., Listener], path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.is_socket()
    with reach(listen(f"unix://{path}")):
        pass


def test_a_unix_socket_in_use_is_taken(listen: Callable[..., Listener], path: Path) -> None:
    listener = listen(f"unix://{path}")
    with pytest.raises(ListenError) as caught:
        listen(f"unix://{path}")
    assert caught.value.kind == "taken"
    with reach(listener):
        pass


def test_no_other_file_is_taken_away(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(ListenError):
        Listener(f"unix://{path}", 0)
    assert path.read_text() == "mine"
