"""Drives one agent as the language server would: a real process, a real channel, a real socket.

Every wait has a limit, and fails with all that the agent has said so far.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import hotplate_agent
from hotplate_agent import messages as m
from hotplate_agent.channel import Decoder, encode, receive, rights

AGENT = str(Path(hotplate_agent.__file__).parent / "__main__.py")
SECRET = "s3cret-path"
WAIT = 20.0

_NOT_FOR_APPS = ("FLASK_", "WERKZEUG_", "PYTHON", "VIRTUAL_ENV", "COVERAGE_", "PYTEST_")

M = TypeVar("M")


def environment(**changes: str | None) -> dict[str, str]:
    """An app's environment: this one's, without what would change an app's course."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_FOR_APPS)}
    for key, value in changes.items():
        if value is None:
            env.pop(key, None)
        else:
            env[key] = value
    return env


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write source files; their text may be indented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))


class Agent:
    """One process of the agent.

    `heard` is every message so far, in order; `descriptors` what came beside them. `stdout` and
    `stderr` can be read at any time.
    """

    def __init__(
        self,
        python: str,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        lifeline: bool = True,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.cwd = cwd
        self.heard: list[Any] = []
        self.descriptors: list[int] = []
        self.listener: socket.socket | None = None
        self.copies: list[Agent] = []
        self._unheard = 0
        self._decoder = Decoder()
        self._booted = False
        self._ended = False
        self._box = tempfile.TemporaryFile()  # noqa: SIM115
        self._out = tempfile.TemporaryFile()  # noqa: SIM115
        self._err = tempfile.TemporaryFile()  # noqa: SIM115
        self.channel, theirs = socket.socketpair()
        arguments = [theirs.fileno(), self._box.fileno()]
        self.lifeline: int | None = None
        if lifeline:
            read, self.lifeline = os.pipe()
            arguments.append(read)
        self.process: subprocess.Popen[bytes] | Copied = subprocess.Popen(
            [python, AGENT, *map(str, arguments)],
            cwd=cwd,
            env=environment() if env is None else dict(env),
            stdin=stdin,
            stdout=self._out,
            stderr=self._err,
            pass_fds=arguments,
            start_new_session=True,
        )
        theirs.close()
        if lifeline:
            os.close(read)

    # ------------------------------------------------------------ what it says

    def expect(
        self,
        cls: type[M],
        seconds: float = WAIT,
        where: Callable[[M], bool] = lambda message: True,
    ) -> M:
        """The next message of a class; those in between are only kept in `heard`."""
        deadline = time.monotonic() + seconds
        while True:
            while self._unheard < len(self.heard):
                message = self.heard[self._unheard]
                self._unheard += 1
                if isinstance(message, cls) and where(message):
                    return message
            if not self._hear(deadline):
                raise AssertionError(f"no {cls.__name__} came.\n{self.told()}")

    def of(self, cls: type[M]) -> list[M]:
        """All messages of a class so far."""
        return [message for message in self.heard if isinstance(message, cls)]

    def hear_all(self, seconds: float = WAIT) -> None:
        """Listen until the agent has closed its end."""
        deadline = time.monotonic() + seconds
        while not self._ended:
            if not self._hear(deadline) and not self._ended:
                raise AssertionError(f"it goes on.\n{self.told()}")

    def hear_what_came(self) -> None:
        """Take what has arrived by now."""
        while not self._ended and self._hear(time.monotonic()):
            pass

    def _hear(self, deadline: float) -> bool:
        if self._ended:
            return False
        left = max(0.0, deadline - time.monotonic())
        if not select.select([self.channel], [], [], left)[0]:
            return False
        try:
            data, descriptors = receive(self.channel)
        except OSError:
            data, descriptors = b"", []
        if not data:
            self._ended = True
            return False
        for message, descriptor in self._decoder.feed(data, descriptors):
            self.heard.append(message)
            if descriptor is not None:
                self.descriptors.append(descriptor)
        return True

    def told(self) -> str:
        """All that is known of it, for a person who reads a failed test."""
        heard = [repr(message)[:1000] for message in self.heard]
        lines = [f"status: {self.process.poll()}", *heard]
        return "\n".join([*lines, "stdout:", self.stdout, "stderr:", self.stderr])

    @property
    def stdout(self) -> str:
        return _whole(self._out)

    @property
    def stderr(self) -> str:
        return _whole(self._err)

    @property
    def box(self) -> bytes:
        return os.pread(self._box.fileno(), 256 * 1024, 0)

    # ------------------------------------------------------------ what it is told

    def send(self, message: Any, descriptor: int | None = None) -> None:
        """Send a message, and a copy of a descriptor beside it."""
        beside = rights(descriptor) if descriptor is not None else []
        data = encode(message)
        sent = self.channel.sendmsg([data], beside)
        self.channel.sendall(data[sent:])

    def load(self, **load: Any) -> None:
        """Tell it to load, as soon as it is up."""
        self.boot()
        self.send(self._load(load))

    def boot(self) -> None:
        """Wait until it is up."""
        if not self._booted:
            self.expect(m.Booted)
            self._booted = True

    def _load(self, load: Mapping[str, Any]) -> m.Load:
        defaults = {"generation": 1, "folder": str(self.cwd), "secret": SECRET}
        return m.Load(**{**defaults, **load})

    def warm(self, roots: Sequence[str], **load: Any) -> m.Warmed | m.Unfit:
        """Have it stand by; how that went."""
        self.boot()
        self.send(m.Warm(self._load(load), list(roots)))
        return self.expect((m.Warmed, m.Unfit))  # type: ignore[arg-type, no-any-return]

    def copy(self) -> Agent:
        """Have it make a copy of itself, which has its own line to us."""
        copy = Agent.__new__(Agent)
        copy.cwd, copy.heard, copy.descriptors, copy.listener = self.cwd, [], [], None
        copy._unheard, copy._decoder, copy._booted, copy._ended = 0, Decoder(), False, False
        copy._box = tempfile.TemporaryFile()  # noqa: SIM115
        copy._out = tempfile.TemporaryFile()  # noqa: SIM115
        copy._err = tempfile.TemporaryFile()  # noqa: SIM115
        copy.channel, theirs = socket.socketpair()
        read, copy.lifeline = os.pipe()
        self.send(m.Fork(), theirs.fileno())
        theirs.close()
        outputs = {"stdout": copy._out.fileno(), "stderr": copy._err.fileno()}
        for role, descriptor in {"box": copy._box.fileno(), "lifeline": read, **outputs}.items():
            copy.send(m.Take(role), descriptor)
        os.close(read)
        copy.process = Copied(self.expect(m.Forked).pid)
        copy.copies = []
        self.copies.append(copy)
        return copy

    def grant(
        self, listener: socket.socket | None = None, host: str | None = None, failed: bool = False
    ) -> m.Ask:
        """Give it a listening socket when it asks, and wait until it accepts."""
        ask = self.expect(m.Ask)
        assert ask.failed is failed, self.told()
        self.listener = listener or self.listener or listen()
        shown = host or ask.host
        self.send(m.Grant(shown, self.listener.getsockname()[1]), self.listener.fileno())
        self.expect(m.Accepting)
        return ask

    def serve(self, listener: socket.socket | None = None, **load: Any) -> m.Ask:
        """Load, and wait until it accepts."""
        self.load(**load)
        return self.grant(listener)

    def fail(self, listener: socket.socket | None = None, **load: Any) -> m.Failed:
        """Load what fails, and wait until it serves the page of its error."""
        self.load(**load)
        failed = self.expect(m.Failed)
        assert failed.serving, self.told()
        self.grant(listener, failed=True)
        return failed

    def drain(self, seconds: float = 2.0) -> None:
        """Tell it to drain, wait for `Released`."""
        self.send(m.Drain(seconds))
        self.expect(m.Released)

    def get(self, path: str = "/", **more: Any) -> Answer:
        """Make one request."""
        return get(self.port, path, **more)

    @property
    def port(self) -> int:
        assert self.listener is not None
        return int(self.listener.getsockname()[1])

    # ------------------------------------------------------------ its end

    def wait(self, seconds: float = WAIT) -> int:
        """Its return code, once it has ended by itself."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end.\n{self.told()}") from None

    def hang_up(self) -> None:
        """Close the server's end of everything, as its death would."""
        self.channel.close()
        self._ended = True
        if self.lifeline is not None:
            os.close(self.lifeline)
            self.lifeline = None

    def close(self) -> None:
        """End it and its copies."""
        for copy in self.copies:
            copy.close()
        self.copies.clear()
        if self._box.closed:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.process.wait()
        self.hang_up()
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()
        if self.listener is not None:
            self.listener.close()
        for file in (self._box, self._out, self._err):
            file.close()


class Copied:
    """A process that is not our child: what `subprocess.Popen` would offer of it."""

    def __init__(self, pid: int) -> None:
        assert pid > 0
        self.pid = pid
        self._pidfd = os.pidfd_open(pid)

    def poll(self) -> int | None:
        return 0 if select.select([self._pidfd], [], [], 0)[0] else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, whose exit code nobody tells us."""
        if not select.select([self._pidfd], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a copy", timeout or 0)
        return 0


def _whole(file: Any) -> str:
    return os.pread(file.fileno(), 1 << 20, 0).decode("utf-8", "replace")


def listen(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening socket, as the server holds it."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(128)
    sock.setblocking(False)
    return sock


# ---------------------------------------------------------------- a client


class Answer:
    """An HTTP answer, or the lack of one: status 0 where the connection was closed first."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"Answer({self.status}, {self.text[:2000]!r})"


def connect(port: int, seconds: float = WAIT) -> socket.socket:
    """A connection that has sent nothing yet."""
    return socket.create_connection(("127.0.0.1", port), seconds)


def ask(sock: socket.socket, path: str = "/", headers: Mapping[str, str] | None = None) -> None:
    """Send a request."""
    fields = {"Host": "127.0.0.1", "Connection": "close", **(headers or {})}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    sock.sendall("\r\n".join([*lines, "", ""]).encode())


def answer(sock: socket.socket) -> Answer:
    """Read the whole answer."""
    response = http.client.HTTPResponse(sock)
    try:
        response.begin()
    except (http.client.BadStatusLine, ConnectionError) as exc:
        return Answer(0, None, repr(exc).encode())
    try:
        body = response.read()
    except http.client.IncompleteRead as cut:
        body = cut.partial
    return Answer(response.status, response.headers, body)


def get(
    port: int,
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    tls: bool = False,
    seconds: float = WAIT,
) -> Answer:
    """One request on a connection of its own."""
    with connect(port, seconds) as plain:
        sock = plain
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            sock = context.wrap_socket(plain)
        try:
            ask(sock, path, headers)
            return answer(sock)
        finally:
            sock.close()


def cookie_of(got: Answer) -> str:
    """The cookie that an answer sets, as the next request sends it."""
    return str(got.headers["Set-Cookie"]).split(";", 1)[0]


__all__ = [
    "AGENT", "SECRET", "WAIT", "Agent", "Answer", "answer", "ask", "connect", "cookie_of",
    "environment", "get", "listen", "write",
]  # fmt: skip
