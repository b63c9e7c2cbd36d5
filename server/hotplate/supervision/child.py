"""One process of the user's interpreter, and the line to it.

The child leads a process group of its own, so that what the app starts goes with it. It ends by
itself when the channel closes; this side ends it when it does not end in time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import hotplate_agent
from hotplate_agent.channel import Decoder, ProtocolError, encode, receive, rights
from hotplate_agent.messages import Drain

AGENT = str(Path(hotplate_agent.__file__).parent / "__main__.py")
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
    """Made with `Child(...)`, which spawns; raises OSError where the interpreter can't run."""

    def __init__(
        self,
        generation: int,
        interpreter: str,
        cwd: str,
        env: Mapping[str, str],
        ears: Ears,
    ) -> None:
        self.generation = generation
        self.ended = False
        self.stderr_tail = b""
        self._ears = ears
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder()
        self._unsent: deque[tuple[bytes, int | None]] = deque()
        self._timers: list[asyncio.TimerHandle] = []
        # Unlinked at once; see `blackbox` in the agent for what stands in it.
        self._box = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        mine, theirs = socket.socketpair()
        # Nothing is ever written into it; see `lifeline` in the agent.
        end, self._lifeline = os.pipe()
        given = (theirs.fileno(), self._box.fileno(), end)
        try:
            self._process = subprocess.Popen(
                [interpreter, AGENT, *map(str, given)],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=given,
                start_new_session=True,
            )
        except (OSError, ValueError, subprocess.SubprocessError):
            mine.close()
            self._box.close()
            os.close(self._lifeline)
            raise
        finally:
            theirs.close()
            os.close(end)
        self.pid = self._process.pid
        self._channel = mine
        mine.setblocking(False)
        self._loop.add_reader(mine, self._read_channel)
        for name, pipe in (("stdout", self._process.stdout), ("stderr", self._process.stderr)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._loop.add_reader(pipe, self._read_output, name, pipe.fileno())
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
            except (ProcessLookupError, PermissionError):
                pass

    def black_box(self) -> bytes:
        """What `blackbox` in the agent has noted."""
        return os.pread(self._box.fileno(), 256 * 1024, 0)

    def close(self) -> None:
        """Let go of everything. The process, if it still runs, ends by itself then."""
        for timer in self._timers:
            timer.cancel()
        self._stop_reading_channel()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None and not pipe.closed:
                self._loop.remove_reader(pipe)
                pipe.close()
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        self._decoder.close()
        if not self._box.closed:
            self._box.close()
            os.close(self._lifeline)

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
                self._ears.message(self, message, descriptor)
        except ProtocolError:
            # The app has got hold of the line and writes on it. It can't be trusted any more.
            self._stop_reading_channel()
            self.kill_group()

    def _stop_reading_channel(self) -> None:
        if self._channel.fileno() >= 0:
            self._drop_unsent()
            self._loop.remove_reader(self._channel)
            self._channel.close()

    # ------------------------------------------------------------ output and the end

    def _read_output(self, name: str, descriptor: int) -> bool:
        try:
            data = os.read(descriptor, 65536)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(descriptor)
            return False
        if name == "stderr":
            self.stderr_tail = (self.stderr_tail + data)[-TAIL:]
        self._ears.output(self, name, data)
        return True

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
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()
        try:
            self._loop.call_soon_threadsafe(self._exited)
        except RuntimeError:  # the loop has ended
            pass

    def _exited(self) -> None:
        if self.ended:
            return
        # Not reaped yet, so the number of the group can't have been given to somebody else.
        self.kill_group()
        status = self._process.wait()
        self.ended = True
        if self._channel.fileno() >= 0:
            self._read_rest()
        for name, pipe in (("stdout", self._process.stdout), ("stderr", self._process.stderr)):
            while pipe is not None and not pipe.closed and self._read_output(name, pipe.fileno()):
                pass
        self._ears.gone(self, status)
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


__all__: Sequence[str] = ["AGENT", "Child", "Ears"]
