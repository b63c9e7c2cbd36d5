"""What the client of the benchmark makes of a response, and of none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.prober import HOST, Prober, Stream, ask, free_port, is_whole, judge

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n1000001"


@contextmanager
def serving(*responses: bytes) -> Iterator[int]:
    """A server that gives one connection after the other these bytes, the last for ever."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            left = list(responses)
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(left.pop(0) if len(left) > 1 else left[0])

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        try:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread on Linux
        except OSError:
            pass


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (OK, ("answer", 1000001)),
        (b"HTTP/1.0 200 OK\r\n\r\n1000002", ("answer", 1000002)),
        (OK[:-1], ("cut", 0)),
        (OK[:20], ("cut", 0)),
        (b"", ("cut", 0)),
        (b"HTTP/1.1 500 INTERNAL SERVER ERROR\r\n\r\n1000001", ("error", 0)),
        (b"HTTP/1.1 200 OK\r\n\r\n<p>something else", ("error", 0)),
    ],
)
def test_a_response_is_judged(response: bytes, expected: tuple[str, int]) -> None:
    assert judge(response) == expected
    with serving(response) as port:
        sample = ask(port)
    assert (sample.kind, sample.version) == expected
    assert sample.sent < sample.done


def test_a_response_is_whole_with_its_last_byte() -> None:
    assert [size for size in range(len(OK) + 1) if is_whole(OK[:size])] == [len(OK)]
    assert not is_whole(b"HTTP/1.0 200 OK\r\n\r\n1000002")  # only the end can tell


def test_nobody_listens() -> None:
    assert ask(free_port()).kind == "refused"


def test_the_prober_waits_for_a_version() -> None:
    second = OK.replace(b"1000001", b"1000002")
    with serving(OK, OK, OK, second) as port, Prober(port) as prober:
        assert prober.wait(1000002, 10)
        assert not prober.wait(1000003, 0.05)
    assert [each.version for each in prober.samples[:4]] == [1000001] * 3 + [1000002]


def test_a_stream_is_whole_or_cut() -> None:
    for end, whole in ((b"0\n1\nthe end\n", True), (b"0\n1\n", False)):
        with serving(b"HTTP/1.0 200 OK\r\n\r\n" + end) as port:
            stream = Stream(port)
            assert stream.begin()
            stream.end()
        assert stream.whole is whole
