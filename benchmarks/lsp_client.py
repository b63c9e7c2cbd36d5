"""An editor's end of the wire, as small as it can be: what it costs is not in the figures.

A thread reads, and notes the time at which each message was whole. Requests of the server are
answered with null, as an editor does that has nothing to say.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from hotplate.cli.processes import alive, family

SECONDS = 30.0
Result = TypeVar("Result")


class Notification(NamedTuple):
    """What the server has said, and when it was read."""

    at: float
    method: str
    params: dict[str, Any]


class Answer(NamedTuple):
    """A request's result, and when it was read."""

    at: float
    result: Any


class LspClient:
    """A server's process, and what has come from it."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: IO[bytes]) -> None:
        self.spawned = time.monotonic()
        self.process = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        self.notifications: list[Notification] = []
        self._news = threading.Condition()
        self._asked: dict[int, Future[Answer]] = {}
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    # ------------------------------------------------------------ to the server

    def initialize(self, folder: Path, options: Mapping[str, Any]) -> Answer:
        """`initialize` and `initialized`, for a folder, with options for the server."""
        params = {
            "processId": None,
            "rootUri": folder.as_uri(),
            "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}],
            "capabilities": {
                "textDocument": {
                    "synchronization": {"didSave": True},
                    "publishDiagnostics": {"relatedInformation": True},
                },
                "window": {"workDoneProgress": True},
                "experimental": {"hotplate": True},
            },
            "initializationOptions": dict(options),
        }
        answer = self.request("initialize", params)
        self.notify("initialized", {})
        return answer

    def open(self, path: Path) -> None:
        """didOpen, with the text that is on disk."""
        text = path.read_text("utf-8")
        document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def saved(self, path: Path) -> Future[Answer]:
        """didSave, and right behind it a request: its answer says that the save has been read."""
        answer, question = self._question("workspace/executeCommand", {"command": "hotplate.state"})
        saved = _message("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})
        self._write(_frame(saved) + question)
        return answer

    def notify(self, method: str, params: Any) -> None:
        self._write(_frame(_message(method, params)))

    def request(self, method: str, params: Any = None) -> Answer:
        """Ask and wait. Raises RuntimeError where the server answers with an error or is gone."""
        answer, question = self._question(method, params)
        self._write(question)
        return result_of(answer, method)

    def _question(self, method: str, params: Any) -> tuple[Future[Answer], bytes]:
        answer: Future[Answer] = Future()
        number = len(self._asked) + 1
        self._asked[number] = answer
        return answer, _frame({**_message(method, params), "id": number})

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        try:
            with self._writing:
                self.process.stdin.write(data)
                self.process.stdin.flush()
        except OSError as error:
            raise RuntimeError(f"Hotplate's server does not read any more: {error}") from error

    # ------------------------------------------------------------ from the server

    def wait(
        self, method: str, matches: Callable[[dict[str, Any]], bool], since: int = 0
    ) -> Notification:
        """The first notification that matches, come or to come, of those from the one numbered
        `since` on. Raises RuntimeError."""
        looked = since

        def found() -> Notification | None:
            nonlocal looked
            for each in self.notifications[looked:]:
                looked += 1
                if each.method == method and matches(each.params):
                    return each
            return None

        with self._news:
            result = self._news.wait_for(found, SECONDS)
        if result is None:
            last = [each.params for each in self.notifications if each.method == method][-3:]
            raise RuntimeError(f"Hotplate did not tell the {method} that was waited for: {last}")
        return result

    def state(self, state: str, after: int = 0) -> Notification:
        """The first `hotplate/state` of a state whose generation is above `after`."""
        return self.wait(
            "hotplate/state",
            lambda params: params["state"] == state and params["generation"] > after,
        )

    def _read(self) -> None:
        assert self.process.stdout is not None
        while (message := _next(self.process.stdout)) is not None:
            self._take(time.monotonic(), message)
        for answer in list(self._asked.values()):
            if not answer.done():
                answer.set_exception(RuntimeError("Hotplate's server has ended."))

    def _take(self, at: float, message: dict[str, Any]) -> None:
        if "method" not in message:
            answer = self._asked[message["id"]]
            if "error" in message:
                answer.set_exception(RuntimeError(f"Hotplate answered {message['error']}"))
            else:
                answer.set_result(Answer(at, message.get("result")))
        elif "id" in message:
            try:
                self._write(_frame({"jsonrpc": "2.0", "id": message["id"], "result": None}))
            except RuntimeError:
                pass  # it ends, and does not wait for this
        else:
            with self._news:
                self.notifications.append(
                    Notification(at, message["method"], message.get("params") or {})
                )
                self._news.notify_all()

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """shutdown and exit; whatever has become of the server, it is gone after this."""
        members = family(self.process.pid)
        try:
            if self.process.poll() is None:
                self.request("shutdown")
                self.notify("exit", None)
            self.process.wait(5)
        except (RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
        except OSError:
            pass  # what was still to be written has no reader
        deadline = time.monotonic() + 2
        while left := alive(members):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Hotplate has left processes behind: {sorted(left)}")
            time.sleep(0.01)


def result_of(answer: Future[Result], what: str) -> Result:
    """What an answer holds, once it has come. Raises RuntimeError where it does not."""
    try:
        return answer.result(SECONDS)
    except NotDone as error:
        raise RuntimeError(f"Hotplate's server did not answer: {what}") from error


def _message(method: str, params: Any) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "method": method}
    return message if params is None else {**message, "params": params}


def _frame(message: dict[str, Any]) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def _next(stream: IO[bytes]) -> dict[str, Any] | None:
    """The next message; None at the end."""
    length = 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = stream.read(length) if length else b""
    return json.loads(body) if len(body) == length > 0 else None
