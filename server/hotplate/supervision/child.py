"""One process of the user's interpreter, and what passes between it and us.

It ends by itself when the channel closes; this side ends it when it does not end in time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from hotplate.supervision import orphans
from hotplate.supervision.process import Process
from hotplate.supervision.trouble import log_trouble
from hotplate_agent.channel import Decoder, ProtocolError, encode, receive, rights
from hotplate_agent.messages import Booted, Drain, Trouble

logger = logging.getLogger(__name__)

EXIT_SECONDS = 1.0
"""What a drained app may take to end (`atexit`, threads) before it is ended."""
TERM_SECONDS = 0.3
"""What a process may take to follow SIGTERM before SIGKILL."""
TAIL = 16 * 1024
"""Bytes of stderr kept to explain a death."""


class Ears(Protocol):
    """Who hears of a child: the supervisor. All are called in the event loop."""

    def message(self, child: Child, message: Any, descriptor: int | None) -> None: ...
    def output(self, child: Child, stream: str, data: bytes) -> None: ...
    def gone(self, child: Child, status: int) -> None: ...


class Child:
    """Watches over a process from when it is made to its end.

    It belongs to the generation and is heard by `ears`; both change once, when a standby becomes
    a generation.
    """

    def __init__(self, generation: int, process: Process, ears: Ears) -> None:
        self.generation = generation
        self.ears = ears
        self.pid = process.pid
        self.ended = False
        self.booted: Booted | None = None
        """What it has said before it became a generation's."""
        self.folders: dict[str, str] = {}
        """The real paths of folders that it has named: hundreds of files lie in a few."""
        self.libraries: list[str] = []
        """What its process has imported before it became that of a generation."""
        self.environment: dict[str, tuple[int, int] | None] = {}
        """`.env` and its like as its process has read them before it became a generation's."""
        self.stderr_tail = b""
        self._process = process
        self._line = process.line
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder()
        self._unsent: deque[tuple[bytes, int | None]] = deque()
        self._timers: list[asyncio.TimerHandle] = []
        self._channel = self._line.channel
        self._channel.setblocking(False)
        self._loop.add_reader(self._channel, self._read_channel)
        for name, descriptor in self._line.output.items():
            os.set_blocking(descriptor, False)
            self._loop.add_reader(descriptor, self._read_output, name)
        self._pidfd = self._watch_exit()

    # ------------------------------------------------------------ orders

    def send(self, message: Any, descriptor: int | None = None) -> None:
        """Send now; what the kernel does not take goes out as it drains.

        The caller keeps its descriptor: a copy travels.
        """
        if self.ended:
            return
        if descriptor is not None:
            descriptor = os.dup(descriptor)
        self._unsent.append((encode(message), descriptor))
        self._flush()

    def drain(self, seconds: float, exit_seconds: float = EXIT_SECONDS) -> None:
        """Have it stop accepting, end what is in flight within `seconds`, and end."""
        self.send(Drain(seconds))
        self._later(seconds + exit_seconds, self.kill)

    def kill(self) -> None:
        """SIGTERM, and SIGKILL for the whole group if that is not followed."""
        self._signal(signal.SIGTERM)
        self._later(TERM_SECONDS, self.kill_group)

    def kill_group(self) -> None:
        """SIGKILL for the process and all that it has started and not moved elsewhere."""
        if not self.ended:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                self._signal(signal.SIGKILL)  # a copy that leads no group yet
            except PermissionError:
                pass

    @property
    def lifeline(self) -> int:
        """Our end of it: the process is killed once nobody holds that."""
        return self._line.lifeline

    def black_box(self) -> bytes:
        """What `blackbox` in the agent has noted."""
        return os.pread(self._line.box.fileno(), 256 * 1024, 0)

    def close(self) -> None:
        """Let go of everything. The process, if it still runs, ends by itself then."""
        for timer in self._timers:
            timer.cancel()
        self._stop_reading_channel()
        for name in list(self._line.output):
            self._stop_reading(name)
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        self._decoder.close()
        self._line.close()

    # ------------------------------------------------------------ the channel

    def _flush(self) -> None:
        try:
            while self._unsent:
                data, descriptor = self._unsent[0]
                sent = self._channel.sendmsg(
                    [data], rights(descriptor) if descriptor is not None else []
                )
                if descriptor is not None:
                    os.close(descriptor)
                if sent < len(data):
                    self._unsent[0] = (data[sent:], None)
                else:
                    self._unsent.popleft()
            self._loop.remove_writer(self._channel)
        except (BlockingIOError, InterruptedError):
            self._loop.add_writer(self._channel, self._flush)
        except OSError:  # it is ending; `gone` will tell
            self._drop_unsent()

    def _drop_unsent(self) -> None:
        if self._channel.fileno() >= 0:
            self._loop.remove_writer(self._channel)
        for _data, descriptor in self._unsent:
            if descriptor is not None:
                os.close(descriptor)
        self._unsent.clear()

    def _read_channel(self) -> None:
        try:
            data, descriptors = receive(self._channel)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, descriptors = b"", []
        if not data:
            self._stop_reading_channel()
            return
        try:
            for message, descriptor in self._decoder.feed(data, descriptors):
                self._pass_on(message, descriptor)
        except ProtocolError as error:
            # The app has got hold of the line and writes on it. It can't be trusted any more.
            logger.warning(
                "Process %d is ended, for it has written on our line: %s", self.pid, error
            )
            self._stop_reading_channel()
            self.kill_group()

    def _pass_on(self, message: Any, descriptor: int | None) -> None:
        """A message that we fail to understand must not keep those behind it from being heard."""
        try:
            if isinstance(message, Trouble):
                log_trouble(message)
            else:
                self.ears.message(self, message, descriptor)
        except Exception:
            name = type(message).__name__
            logger.exception("What the app's process has said (%s) could not be handled.", name)

    def _stop_reading_channel(self) -> None:
        if self._channel.fileno() >= 0:
            self._drop_unsent()
            self._loop.remove_reader(self._channel)
            self._channel.close()

    # ------------------------------------------------------------ output and the end

    def _read_output(self, name: str) -> bool:
        try:
            data = os.read(self._line.output[name], 65536)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if not data:
            self._stop_reading(name)
            return False
        if name == "stderr":
            self.stderr_tail = (self.stderr_tail + data)[-TAIL:]
        self.ears.output(self, name, data)
        return True

    def _stop_reading(self, name: str) -> None:
        self._loop.remove_reader(self._line.output[name])
        self._line.close_output(name)

    def _watch_exit(self) -> int | None:
        try:
            pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # macOS, or a kernel before 5.3
            threading.Thread(target=self._wait, name=f"wait-{self.pid}", daemon=True).start()
            return None
        self._loop.add_reader(pidfd, self._exited)
        return pidfd

    def _wait(self) -> None:
        if hasattr(os, "waitid"):
            try:
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            except ChildProcessError:
                pass
        else:
            self._process.reap()
        try:
            self._loop.call_soon_threadsafe(self._exited)
        except RuntimeError:  # the loop has ended
            pass

    def _exited(self) -> None:
        if self.ended:
            return
        # Not reaped yet, so the number of the group can't have been given to somebody else.
        self.kill_group()
        status = self._process.reap()
        orphans.bury()
        self.ended = True
        if self._channel.fileno() >= 0:
            self._read_rest()
        for name in ("stdout", "stderr"):
            while name in self._line.output and self._read_output(name):
                pass
        self.ears.gone(self, status)
        self.close()

    def _read_rest(self) -> None:
        """Take what it had still said. Ends: the other end of the line is closed, or silent."""
        for _ in range(1024):
            before = self._channel.fileno()
            self._read_channel()
            if self._channel.fileno() != before or not _readable(self._channel):
                return

    # ------------------------------------------------------------ helpers

    def _signal(self, number: int) -> None:
        if not self.ended:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers.append(self._loop.call_later(seconds, call))


def _readable(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return False
