"""The agent: one process, one generation of the app.

The main thread is the app's: it loads and serves, as it would under `flask run`. A second one
(`reader`) obeys the server.
"""

import _thread
import errno
import os
import signal
import sys
import time
from typing import Any, Optional, Tuple, Union

from hotplate_agent import bytecode, family, loading, patches, servers
from hotplate_agent import messages as m
from hotplate_agent.ahead import Ahead
from hotplate_agent.alone import Alone
from hotplate_agent.blackbox import BlackBox
from hotplate_agent.caught import CaughtImport
from hotplate_agent.certificates import Certificates
from hotplate_agent.channel import Channel, cover
from hotplate_agent.debugger import Debugger, is_loopback
from hotplate_agent.files import Files
from hotplate_agent.foreign import Foreign
from hotplate_agent.front import Front
from hotplate_agent.imports import AfterImport
from hotplate_agent.intake import Intake
from hotplate_agent.line import Line
from hotplate_agent.reader import Reader
from hotplate_agent.serving import UNIX, Acceptor, nameable, quiet
from hotplate_agent.surroundings import Conduct
from hotplate_agent.trouble import Troubles
from hotplate_agent.watching import Watch
from hotplate_agent.workers import Workers

SPAWNING_SECONDS = 0.2
"""How often the server is told that the app starts processes."""
_leave = os._exit
_get_ident = _thread.get_ident  # bound now: gevent has one that tells greenlets


class Refused(BaseException):
    """The server gives no socket; it has told the person why."""


def main(
    channel_descriptor: int, box_descriptor: int, lifeline_descriptor: Optional[int] = None
) -> None:
    """Say that the interpreter is up, wait for the order to load, and be the app."""
    line = Line(Channel(channel_descriptor), BlackBox(box_descriptor))
    if lifeline_descriptor is not None:
        line.fasten(lifeline_descriptor)
    agent = Agent(line)
    line.channel.send(m.Booted(os.getpid(), sys.version.split()[0], sys.executable))
    try:
        order, _ = line.channel.receive()
        if isinstance(order, m.Warm):
            order = agent.stand_by(order)
    except EOFError:
        _leave(0)
    agent.run(order)


class Agent:
    """Holds the parts together; each does its work without knowing of the others."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._load = m.Load(0, "")
        self._main_thread = _thread.get_ident()
        self._conduct = Conduct()
        self._alone = Alone(self._send)
        self._files = Files(line.box, self._conduct, self._alone)
        self._caught = CaughtImport(self._files.own)
        self._after = AfterImport()
        self._ahead = Ahead(self._files.own, self._conduct, self._after, self._spoilt)
        self._debugger = Debugger(self._tell_pin, self._tell_pin_wanted)
        self._certificates = Certificates(self._send)
        self._workers = Workers(self._send)
        self._troubles = Troubles(self._workers.tell)
        self._watch = Watch(self._workers.tell, self._debugger, self._troubles)
        self._reloading = patches.Reloading()
        self._intake = Intake(line, self._interrupt)
        self._reader = Reader(line, self._intake, self._alone, self._troubles)
        self._foreign = Foreign(self._make_front, self._serve_foreign)
        self._asked = False
        self._failed = False
        self._reserved = os.open(os.devnull, os.O_RDWR)
        self._prepared = False
        self._told = False
        self._spawned = -SPAWNING_SECONDS
        self._pid = 0
        self._over = False

    # ------------------------------------------------------------ the main thread

    def stand_by(self, order: m.Warm) -> m.Load:
        """Do all that comes before the project's code, and wait for the order to go on.

        Returns in the process that is to go on, which may be a copy. Raises EOFError.
        """
        try:
            self._prepare()
            loading.begin(order.load)
        except BaseException as exc:
            self._send(m.Unfit("", repr(exc)))
            _leave(1)
        from hotplate_agent.standby import Standby  # only now: most processes serve at once

        return Standby(self._line, self._ahead, self._conduct, self._files).wait(order.roots)

    def run(self, load: m.Load) -> None:
        """Load the app and serve it until told to drain."""
        self._load = load
        begun = self._prepared
        if not begun:
            self._prepare()
        self._take_over(load)
        failure: Optional[BaseException] = None
        try:
            if not begun:
                loading.begin(load)
            if load.learn and not begun:
                self._ahead.watch()
            loading.run(load, self._ahead.own_code_begins)
            self._over = True
            if os.getpid() != self._pid:
                return  # a child that the app has forked comes to its end, as any program does
            loading.wait_for_threads()
            if self._intake.accepting or self._intake.drained:
                return
        except Refused:
            sys.exit(1)
        except BaseException as exc:
            if os.getpid() != self._pid:
                raise exc.exc if isinstance(exc, loading.LoadFailed) else exc
            accepting = self._intake.accepting
            if self._intake.drained and (not accepting or isinstance(exc, KeyboardInterrupt)):
                sys.exit(1)  # nobody is there to hear how it ended
            if accepting:
                if not isinstance(exc, Exception):
                    raise
                self._died(exc)
            failure = exc
        if isinstance(failure, loading.LoadFailed):
            self._fail(failure.exc, failure.address)
        else:
            self._fail(failure, loading.Address())

    def _died(self, exc: Exception) -> None:
        """The app serves in a thread, and what its main thread was at has failed."""
        from hotplate_agent import errors, failing

        report = errors.report(exc)
        self._send(m.Raised(report, "thread", "thread MainThread"))
        for frame in report.frames:
            if self._files.own(frame.file):
                self._line.box.note(frame.file, frame.line, frame.function)
        failing.print_as_python(exc, report)
        sys.exit(1)

    def _prepare(self) -> None:
        """What does not depend on the generation."""
        self._prepared = True
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(line_buffering=True)  # as in a terminal
        bytecode.keep_none_of_unsettled()
        os.environ["WERKZEUG_RUN_MAIN"] = "true"
        os.environ["WERKZEUG_SERVER_FD"] = str(self._reserved)
        for name in ("WERKZEUG_RUN_MAIN", "WERKZEUG_SERVER_FD"):
            os.unsetenv(name)  # for this process: a program that it starts has no such descriptor
        patches.install(
            self._after, self._serve, self._reloading, self._debugger, self._watch, self._troubles
        )
        self._line.box.catch_exit(self._files.own)
        self._files.watch()
        self._caught.watch()

    def _take_over(self, load: m.Load) -> None:
        """Become the process of a generation."""
        self._pid = os.getpid()
        bytecode.distrust(load.changed)
        bytecode.forget_folders(self._files.own)
        self._debugger.begin(load.generation, load.pin, load.pin_cookie)
        self._watch.begin(load.secret, load.failing)
        self._certificates.begin(load)
        if load.script is not None or load.module is not None:
            self._foreign.look(load.fallback_port, load.fallback_host if load.held else None)
            servers.install(self._after, self._foreign, self._troubles)
        self._line.box.catch_signals()
        os.register_at_fork(after_in_child=self._forked)
        self._keep_family()
        self._files.attach(self._tell_read, self._tell_rewritten)
        self._reader.begin()
        self._alone.begin()
        self._ahead.own_threads = 1

    def _serve(
        self,
        make_server: Any,
        host: Any = None,
        port: Any = None,
        app: Any = None,
        threaded: bool = False,
        processes: int = 1,
        request_handler: Any = None,
        passthrough_errors: bool = False,
        ssl_context: Any = None,
        fd: Optional[int] = None,
    ) -> Any:
        """In place of `werkzeug.serving.make_server`: the first server is on the held socket."""
        if self._asked or os.getpid() != self._pid:
            # One more server, or one in a process that the app has forked, has a socket of its own.
            if str(fd) == os.environ.get("WERKZEUG_SERVER_FD"):
                fd = None
            return make_server(
                host, port, app, threaded, processes, request_handler, passthrough_errors,
                ssl_context, fd,
            )  # fmt: skip
        self._take_over_serving()
        ssl_context, files = self._certificates.settle(ssl_context)
        host, port, listener = self._ask(
            m.Ask(host or "localhost", port or 0, ssl_context is not None, self._failed, files)
        )
        os.dup2(listener, self._reserved, inheritable=False)
        server = make_server(
            nameable(host),
            port,
            self._watch.wrap(app),
            threaded,
            processes,
            quiet(request_handler, self._watch.path),
            passthrough_errors,
            ssl_context,
            fd=listener,
        )
        if getattr(server, "multiprocess", False):
            told = "telling what a worker has told"
            self._workers.begin(self._troubles.guarded(told, self._watch.heard))
        server.serve_forever = lambda *args, **kwargs: self._serve_forever(server, listener)
        return server

    def _take_over_serving(self) -> None:
        """The app's server is known, and the app loaded."""
        self._asked = True
        self._foreign.stop()
        self._learnt(served=not self._failed)
        self._reloading.ask_as_flask_run()

    def _ask(self, ask: m.Ask) -> Tuple[str, int, int]:
        """The address and the socket for the app's server."""
        if ask.host.startswith(UNIX):  # a path of ours; the one who makes the socket is elsewhere
            ask = ask._replace(host=UNIX + os.path.abspath(ask.host[len(UNIX) :]))
        answer, listener = self._reader.ask(ask)
        if isinstance(answer, m.Grant) and listener is None and not self._failed:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        if not isinstance(answer, m.Grant) or listener is None:
            raise Refused
        self._debugger.settle(answer.host, self._load.console or is_loopback(answer.host))
        return answer.host, answer.port, listener

    def _serve_forever(self, server: Any, listener: int) -> None:
        server.socket.set_inheritable(False)  # run_simple has made it so, for a reloader
        acceptor = Acceptor(server, listener, self._intake.gate, self._intake.pending)
        server.shutdown = acceptor.shut_down
        try:
            if self._accept_with(acceptor):
                acceptor.run(lambda: self._close_listener(server))
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()
            if self._intake.drained and not self._over and _get_ident() != self._main_thread:
                self._interrupt()  # the app serves in a thread, and goes on with something else

    def _accept_with(self, acceptor: Union[Acceptor, Front]) -> bool:
        """The app has started. False where it is to end already."""
        self._files.started()
        self._caught.stop()
        if not self._intake.open(acceptor):
            return False
        self._line.channel.send(
            m.Accepting(self._reloading.extra_files, self._reloading.exclude_patterns)
        )
        tell = self._troubles.guarded("telling of libraries", self._tell_libraries)
        _thread.start_new_thread(tell, ())
        return True

    def _make_front(self) -> Front:
        return Front(self._intake.gate, self._intake.pending, self._interrupt)

    def _serve_foreign(self, front: Front, host: str, port: int, tls: bool) -> None:
        """A server of the app's own is about to serve; a front stands in its socket's place."""
        self._take_over_serving()
        front.take(self._ask(m.Ask(host, port, tls, self._failed))[2])
        self._watch.watch_flask()
        if self._accept_with(front):
            front.begin()

    def _interrupt(self) -> None:
        """A server of the app's own, or what else it is at, ends as at Ctrl-C."""
        signal.pthread_kill(self._main_thread, signal.SIGINT)

    def _close_listener(self, server: Any) -> None:
        """Hold the port no longer than this generation accepts."""
        server.socket.close()
        cover(self._reserved)

    # ------------------------------------------------------------ a start that fails

    def _fail(self, exc: Optional[BaseException], address: loading.Address) -> None:
        """Tell the error, and serve its page on the app's port until the next restart."""
        from hotplate_agent import errors, exceptions, failing  # only now: most starts do without

        self._learnt(served=False)
        if exc is None:
            exc = failing.NothingServed.by(self._load)
        if isinstance(exc, failing.NothingServed):
            kind, report = "idle", failing.report_of_nothing(exc, self._load)
        else:
            exc = exceptions.unwrap(exc)
            kind, report = "exit" if isinstance(exc, SystemExit) else "error", errors.report(exc)
            failing.print_as_python(exc, report)
            report = report._replace(fault=self._debugger.keep_for_later(exc))
        caught = self._caught.before(exc) if kind != "error" else None
        if caught is not None:
            report = report._replace(causes=[*report.causes, *errors.causes(caught, "caught")])
        self._caught.stop()
        serving = failing.can_serve()
        versions = failing.versions() if isinstance(exc, ImportError) else {}
        self._line.channel.send(m.Failed(report, kind, serving, versions))
        if not serving:
            sys.exit(1)
        self._failed = True
        self._asked = False
        shown = failing.shown(exc, report, caught)
        self._watch.expect(shown)
        try:
            failing.serve_page(shown, exc, self._load, address)
        except Exception:  # its certificate is what is wrong: the server has a page of its own
            sys.exit(1)

    # ------------------------------------------------------------ what came ahead

    def _learnt(self, served: bool) -> None:
        """The app is loaded, or has failed to: what it has imported is known."""
        if self._load.learn and not self._told:
            self._told = True
            self._ahead.finish(served)
            by_flask = self._load.script is None and self._load.module is None
            plugins = [loading.PLUGINS] if by_flask else []
            self._send(m.Learnt([*plugins, *self._ahead.roots], served, self._ahead.unused))

    def _spoilt(self, why: str) -> None:
        """What was imported ahead must not be used. Nobody has been served yet."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        self._send(m.Spoilt(why))
        _leave(0)

    # ------------------------------------------------------------ the app's own processes

    def _keep_family(self) -> None:
        """Have all that the app will start stay within reach."""
        if family.adopt() and family.member(os.getpid()) is not None:
            self._files.spawning = self._spawns
        else:
            self._send(m.Spawns(keeps=False))

    def _spawns(self) -> None:
        """Called by the audit hook, just before."""
        now = time.monotonic()
        if now - self._spawned > SPAWNING_SECONDS:
            self._spawned = now
            self._line.loosen()
            self._send(m.Spawns(keeps=True))

    # ------------------------------------------------------------ telling

    def _send(self, message: Any) -> None:
        self._line.channel.send(message)

    def _tell_read(self, file: m.FileRead) -> None:
        self._send(m.Read(file))

    def _tell_rewritten(self, path: str) -> None:
        self._send(m.Rewrites(path))

    def _tell_libraries(self) -> None:
        self._send(m.Loaded(self._files.take_libraries()))
        misused = self._ahead.misused()
        if misused is not None:
            self._send(m.Spoilt(misused))

    def _tell_pin(self, pin: Optional[str], cookie: Optional[str], secret: Optional[str]) -> None:
        self._send(m.Pin(pin, cookie, secret))

    def _tell_pin_wanted(self) -> None:
        self._send(m.PinWanted())

    def _forked(self) -> None:
        """In a child that the app has forked: nothing of the agent's is its business."""
        self._line.channel.forget()
        self._line.box.forget()
        self._files.stop()
        self._caught.stop()
        self._ahead.forked()
        cover(self._reserved)
