"""An interpreter that has done all that does not depend on the project's code, and waits.

It serves in one of two ways. Where it has a single thread and nothing open but what is ours, each
generation is a copy of it (fork), and it waits on; that takes milliseconds, and the libraries are
imported once in a day instead of once in a save. Where not, it becomes the next generation itself.

A copy would draw the same random numbers as the one before it, so those that were seeded by the
operating system are seeded anew, and one that can't be told keeps the interpreter from forking.
"""

import gc
import os
import select
import sys
import warnings
from importlib import import_module
from typing import Any, List, Optional

from hotplate_agent import messages as m
from hotplate_agent import priority
from hotplate_agent.ahead import Ahead
from hotplate_agent.channel import Channel
from hotplate_agent.files import Files
from hotplate_agent.line import Line
from hotplate_agent.loading import PLUGINS, load_plugins
from hotplate_agent.rehearsal import rehearse
from hotplate_agent.stash import logger_names
from hotplate_agent.surroundings import Conduct, open_files

_leave = os._exit


class Standby:
    """Imports ahead, and waits."""

    def __init__(self, line: Line, ahead: Ahead, conduct: Conduct, files: Files) -> None:
        self._line = line
        self._ahead = ahead
        self._conduct = conduct
        self._files = files
        self._open = open_files()

    def wait(self, roots: List[str]) -> m.Load:
        """Import what can be imported by then, and return with the order to load.

        That is in a copy of this process if the server has asked for one. Raises EOFError.
        """
        with priority.lowered(), _Muted() as muted:
            whole = self._import(roots, muted)
            if whole:
                self._rehearse()
        self._ahead.expect_as_now()
        self._ahead.stash.hide()
        self._ahead.watch()
        if whole:
            forks = self._can_fork()
            if forks:
                # A copy's garbage collector would touch, and so copy, all that was imported.
                gc.collect()
                gc.freeze()
            self._line.channel.send(m.Warmed(self._inputs(), forks))
        while True:
            order, descriptor = self._line.channel.receive()
            if isinstance(order, m.Fork) and descriptor is not None:
                self._fork(descriptor)
            elif isinstance(order, m.Load):
                return order

    def _import(self, roots: List[str], muted: "_Muted") -> bool:
        for root in roots:
            if self._line.channel.pending():
                return False  # the person has saved: go on from here
            before = set(sys.modules)
            filters, loggers = list(warnings.filters), logger_names()
            self._conduct.begin()
            failure: Optional[BaseException] = None
            try:
                if root == PLUGINS:
                    load_plugins(self._files.own)
                else:
                    import_module(root)
            except BaseException as exc:
                failure = exc
            fault = self._conduct.end()
            if failure is not None:
                fault = repr(failure)
            elif muted.said_something():
                fault = "prints something"
            if fault is not None:
                self._line.channel.send(m.Unfit(root, fault))
                _leave(1)
            if root == PLUGINS:
                continue  # these every start has in sight before it comes to the project's code
            new = [name for name in list(sys.modules) if name not in before]
            self._ahead.stash.keep(root, new, filters, loggers)
        return True

    def _rehearse(self) -> None:
        """Do what Flask and Werkzeug do at the first request only."""
        serving: Any = sys.modules.get("werkzeug.serving")
        if serving is None or "flask.app" not in sys.modules:
            return
        before = set(sys.modules)
        filters, loggers = list(warnings.filters), logger_names()
        try:
            rehearse(serving.make_server.__wrapped__)
        except Exception:
            pass  # a library has made them different: their first request will be as it is
        new = [name for name in list(sys.modules) if name not in before]
        self._ahead.stash.keep("", new, filters, loggers)

    def _inputs(self) -> List[m.FileRead]:
        """What the standby was made of: files, and the folders in which libraries are installed."""
        inputs = self._files.inputs()
        for folder in sys.path:
            try:
                status = os.stat(folder)
            except OSError:
                continue
            if not self._files.own(os.path.join(folder, "")):
                inputs.append(m.FileRead(folder, status.st_mtime_ns, 0))
        return inputs

    # ------------------------------------------------------------ copies

    def _can_fork(self) -> bool:
        if sys.platform != "linux" or open_files() != self._open or _unknown_generators():
            return False
        return _threads() == 1 or self._threads_end_at_fork()

    def _threads_end_at_fork(self) -> bool:
        """Whether threads of C libraries go by themselves, as OpenBLAS's do (`pthread_atfork`)."""
        try:
            pid = os.fork()
        except OSError:
            return False
        if pid == 0:
            _leave(0)
        os.waitpid(pid, 0)
        return _threads() == 1

    def _fork(self, descriptor: int) -> None:
        """Make a copy; the process between dies at once, so that it becomes the server's child."""
        read, write = os.pipe()
        try:
            middle = os.fork()
        except OSError:
            middle = -1
        if middle == 0:
            try:
                pid = os.fork()
            except OSError:
                _leave(1)
            if pid:
                os.write(write, str(pid).encode())
                _leave(0)
            os.close(read)
            os.close(write)
            self._go_on(descriptor)
            return
        os.close(write)
        os.close(descriptor)
        said = os.read(read, 32)
        os.close(read)
        if middle > 0:
            os.waitpid(middle, 0)
        self._line.channel.send(m.Forked(int(said or 0)))

    def _go_on(self, descriptor: int) -> None:
        try:
            self._line.move(Channel(descriptor))
            _seed_anew()
        except EOFError:
            _leave(0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            _leave(1)
        version = sys.version.split()[0]
        self._line.channel.send(m.Booted(os.getpid(), version, sys.executable))
        self._ahead.stash.touch()


class _Muted:
    """Descriptors 1 and 2 lead into a pipe meanwhile: what is printed ahead of time is no output
    of the app's, and a library that prints at its import is not for here."""

    def __enter__(self) -> "_Muted":
        self._read, write = os.pipe()
        os.set_blocking(write, False)
        self._saved = [os.dup(1), os.dup(2)]
        self._point(write, write)
        os.close(write)
        return self

    def __exit__(self, *_: Any) -> None:
        self._point(*self._saved)
        for descriptor in (self._read, *self._saved):
            os.close(descriptor)

    def _point(self, stdout: int, stderr: int) -> None:
        _flush()
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)

    def said_something(self) -> bool:
        _flush()
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        return bool(poll.poll(0))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


# ---------------------------------------------------------------- random numbers


def _unknown_generators() -> bool:
    """Whether a library keeps a generator whose seed is not ours to change."""
    modules = (sys.modules.get("random"), _numpy_random())
    known = [getattr(modules[0], "_inst", None), getattr(modules[1], "_rand", None)]
    system = getattr(modules[0], "SystemRandom", ())
    kinds = tuple(
        kind
        for module in modules
        for name in ("Random", "RandomState", "Generator")
        for kind in [getattr(module, name, None)]
        if isinstance(kind, type)
    )
    return any(
        issubclass(type(found), kinds)
        and not issubclass(type(found), system)
        and not any(found is one for one in known)
        for found in gc.get_objects()
    )


def _seed_anew() -> None:
    """`random` does so by itself (`os.register_at_fork`)."""
    numpy_random = _numpy_random()
    if numpy_random is not None:
        numpy_random.seed()


def _numpy_random() -> Any:
    return sys.modules.get("numpy.random.mtrand")


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))
