"""The agent: one process, one generation of the app.

The main thread is the app's: it loads and serves, as it would under `flask run`. A second thread,
made below `threading` so that the app does not see it, reads the channel, obeys, and ends the
process group the moment that the server is gone.
"""

import _thread
import os
import signal
import sys
from typing import Any, List, Optional, Tuple

from hotplate_agent import bytecode, lifeline, loading, patches
from hotplate_agent import messages as m
from hotplate_agent.blackbox import BlackBox
from hotplate_agent.channel import Channel, ProtocolError, cover
from hotplate_agent.debugger import Debugger, is_loopback
from hotplate_agent.files import Files
from hotplate_agent.serving import Acceptor, quiet
from hotplate_agent.watching import Watch

_leave = os._exit


class Refused(BaseException):
    """The server gives no socket; it has told the person why."""


def main(
    channel_descriptor: int, box_descriptor: int, lifeline_descriptor: Optional[int] = None
) -> None:
    """Say that the interpreter is up, wait for the order to load, and be the app."""
    channel = Channel(channel_descriptor)
    box = BlackBox(box_descriptor)
    if lifeline_descriptor is not None:
        lifeline.fasten(lifeline_descriptor)
    channel.send(m.Booted(os.getpid(), sys.version.split()[0], sys.executable))
    try:
        load, _ = channel.receive()
    except EOFError:
        _leave(0)
    Agent(channel, box, load).run()


class Agent:
    """Holds the parts together; each does its work without knowing of the others."""

    def __init__(self, channel: Channel, box: BlackBox, load: m.Load) -> None:
        self._channel = channel
        self._box = box
        self._load = load
        self._main_thread = _thread.get_ident()
        self._files = Files(self._tell_read, box)
        self._debugger = Debugger(
            load.generation, load.pin, load.pin_cookie, self._tell_pin, self._tell_pin_wanted
        )
        self._watch = Watch(channel.send, self._debugger, load.secret, load.failing)
        self._reloading = patches.Reloading()
        self._gate = _thread.allocate_lock()
        self._acceptor: Optional[Acceptor] = None
        self._answer: Optional[Tuple[Any, Optional[int]]] = None
        self._answered = _thread.allocate_lock()
        self._asked = False
        self._accepting = False
        self._failed = False
        self._drained = False
        self._early: List[int] = []
        self._pid = os.getpid()
        self._reserved = os.open(os.devnull, os.O_RDWR)

    # ------------------------------------------------------------ the main thread

    def run(self) -> None:
        """Load the app and serve it until told to drain."""
        self._prepare()
        failure: Optional[BaseException] = None
        try:
            loading.run(self._load)
            loading.wait_for_threads()
            if self._accepting or self._drained:
                return
        except Refused:
            sys.exit(1)
        except BaseException as exc:
            if self._accepting:
                raise
            if self._drained:  # nobody is there to hear how it ended
                sys.exit(1)
            failure = exc
        if isinstance(failure, loading.LoadFailed):
            self._fail(failure.exc, failure.address)
        else:
            self._fail(failure, loading.Address())

    def _prepare(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(line_buffering=True)  # as in a terminal
        bytecode.distrust(self._load.changed)
        bytecode.keep_none_of_unsettled()
        os.environ["WERKZEUG_RUN_MAIN"] = "true"
        os.environ["WERKZEUG_SERVER_FD"] = str(self._reserved)
        patches.install(self._serve, self._reloading, self._debugger, self._watch)
        self._box.catch_signals()
        self._box.catch_exit(self._files.own)
        os.register_at_fork(after_in_child=self._forked)
        self._answered.acquire()
        _thread.start_new_thread(self._read, ())
        self._files.watch()

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
        self._asked = True
        self._reloading.ask_as_flask_run()
        host, port, listener = self._ask(host or "localhost", port or 0, ssl_context is not None)
        os.dup2(listener, self._reserved, inheritable=False)
        self._debugger.settle(self._load.debugger is True or is_loopback(host))
        server = make_server(
            host,
            port,
            self._watch.wrap(app),
            threaded,
            processes,
            quiet(request_handler, self._watch.path),
            passthrough_errors,
            ssl_context,
            fd=listener,
        )
        server.serve_forever = lambda *args, **kwargs: self._serve_forever(server, listener)
        return server

    def _ask(self, host: str, port: int, tls: bool) -> Tuple[str, int, int]:
        self._channel.send(m.Ask(host, port, tls, self._failed))
        self._answered.acquire()
        assert self._answer is not None
        answer, listener = self._answer
        if not isinstance(answer, m.Grant) or listener is None:
            raise Refused
        return answer.host, answer.port, listener

    def _serve_forever(self, server: Any, listener: int) -> None:
        server.socket.set_inheritable(False)  # run_simple has made it so, for a reloader
        acceptor = Acceptor(server, listener, self._gate, self._channel.pending)
        server.shutdown = acceptor.shut_down
        self._files.started()
        try:
            with self._gate:
                if self._drained:
                    return
                self._acceptor = acceptor
                for connection in self._early:
                    acceptor.adopt(connection)
                self._early.clear()
            self._accepting = True
            self._channel.send(
                m.Accepting(self._reloading.extra_files, self._reloading.exclude_patterns)
            )
            _thread.start_new_thread(self._tell_libraries, ())
            acceptor.run(lambda: self._close_listener(server))
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()

    def _close_listener(self, server: Any) -> None:
        """Hold the port no longer than this generation accepts."""
        server.socket.close()
        cover(self._reserved)

    # ------------------------------------------------------------ a start that fails

    def _fail(self, exc: Optional[BaseException], address: loading.Address) -> None:
        """Tell the error, and serve its page on the app's port until the next restart."""
        from hotplate_agent import errors, failing  # only now: most starts do without

        if exc is None:
            exc = failing.NothingServed.by(self._load)
        if isinstance(exc, failing.NothingServed):
            kind, report = "idle", failing.report_of_nothing(exc, self._load)
        else:
            exc = errors.unwrap(exc)
            kind, report = "exit" if isinstance(exc, SystemExit) else "error", errors.report(exc)
            sys.stderr.write(failing.as_printed(exc, report))
            report = report._replace(fault=self._debugger.keep_for_later(exc))
        serving = failing.can_serve()
        versions = failing.versions() if isinstance(exc, ImportError) else {}
        self._channel.send(m.Failed(report, kind, serving, versions))
        if not serving:
            sys.exit(1)
        self._failed = True
        self._asked = False
        shown = failing.shown(exc, report)
        self._watch.expect(shown)
        try:
            failing.serve_page(shown, exc, self._load, address)
        except Exception:  # its certificate is what is wrong: the server has a page of its own
            sys.exit(1)

    # ------------------------------------------------------------ the reader thread

    def _read(self) -> None:
        try:
            while True:
                self._channel.wait()
                with self._gate:
                    self._channel.read()
                    item = self._channel.take()
                    while item is not None:
                        self._obey(*item)
                        item = self._channel.take()
        except (EOFError, ProtocolError):
            pass
        except BaseException:
            sys.excepthook(*sys.exc_info())  # without this thread nobody would end the process
        lifeline.end_all()

    def _obey(self, message: Any, descriptor: Optional[int]) -> None:
        """Do as the server says, at once. The gate is held."""
        if isinstance(message, (m.Grant, m.Refuse)):
            self._answer = (message, descriptor)
            self._answered.release()
        elif isinstance(message, m.Connection) and descriptor is not None:
            if self._drained:
                self._hand_over(descriptor)
                os.close(descriptor)
            elif self._acceptor is not None:
                self._acceptor.adopt(descriptor)
            else:
                self._early.append(descriptor)
        elif isinstance(message, m.Drain):
            self._drain(message.seconds)
        elif isinstance(message, m.AskWhere):
            from hotplate_agent import errors

            frame = sys._current_frames().get(self._main_thread)
            self._channel.send(m.Where(errors.stack(frame) if frame is not None else []))

    def _drain(self, seconds: float) -> None:
        """Stop accepting, now, whatever the main thread is at."""
        self._drained = True
        if self._acceptor is not None:
            self._acceptor.stop(seconds, self._hand_over)
        for descriptor in self._early:
            self._hand_over(descriptor)
            os.close(descriptor)
        self._early.clear()
        self._channel.send(m.Released())
        if self._acceptor is None:
            # A server of the app's own, or what else it is at, ends as at Ctrl-C.
            signal.pthread_kill(self._main_thread, signal.SIGINT)

    def _hand_over(self, descriptor: int) -> None:
        self._channel.send(m.Handover(), descriptor)

    # ------------------------------------------------------------ telling

    def _tell_read(self, file: m.FileRead) -> None:
        self._channel.send(m.Read(file))

    def _tell_libraries(self) -> None:
        self._channel.send(m.Loaded(self._files.take_libraries()))

    def _tell_pin(self, pin: Optional[str], cookie: Optional[str]) -> None:
        self._channel.send(m.Pin(pin, cookie))

    def _tell_pin_wanted(self) -> None:
        self._channel.send(m.PinWanted())

    def _forked(self) -> None:
        """In a child that the app has forked: nothing of the agent's is its business."""
        self._channel.forget()
        self._box.forget()
        self._files.stop()
        cover(self._reserved)
