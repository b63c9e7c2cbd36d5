"""A folder with an app, a server and its editor: what the storm, the load and the soak share.

The editor is the small one of the benchmarks, which has a thread of its own and no event loop.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.lsp_client import LspClient, result_of
from reliability.census import census, children, descriptors
from support.processes import MARK, describe
from support.session import SERVER, free_port

SECONDS = 30.0


class Workplace:
    """One session, in a folder. The app's port is kept over it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.port = free_port()
        self.settings = settings
        self.mark = uuid.uuid4().hex
        self.log = folder.parent / f"{folder.name}.log"
        self._seen = 0
        self.client: LspClient

    def __enter__(self) -> Workplace:
        env = {
            **os.environ,
            "PYTHONPATH": str(SERVER),
            "HOTPLATE_STATE_DIR": str(self.folder.parent / "state"),
            MARK: self.mark,
        }
        with self.log.open("ab") as log:
            self.client = LspClient([sys.executable, "-m", "hotplate", "lsp"], env, log)
        options = {
            "trusted": True,
            "interpreter": sys.executable,
            "host": "127.0.0.1",
            "port": self.port,
            **self.settings,
        }
        try:
            self.client.initialize(self.folder, options)
        except BaseException:
            self.client.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()

    # ------------------------------------------------------------ the editor

    @property
    def pid(self) -> int:
        """The server's process."""
        return self.client.process.pid

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def save(self, name: str, text: str) -> None:
        """What an editor does. When this returns, the server has read that it did."""
        result_of(self.client.saved(self.write(name, text)), "a save")

    def did_save(self, names: Iterable[str]) -> None:
        """Say that files were saved, in one breath; nothing is waited for."""
        for name in names:
            document = {"uri": (self.folder / name).as_uri()}
            self.client.notify("textDocument/didSave", {"textDocument": document})

    def command(self, name: str, **argument: Any) -> Any:
        params = {"command": f"hotplate.{name}", "arguments": [argument]}
        return self.client.request("workspace/executeCommand", params).result

    def state(self) -> dict[str, Any]:
        """The app's state, as the server says it when it is asked. All sent before is handled."""
        apps: list[dict[str, Any]] = self.command("state")["apps"]
        return apps[0]

    def until_state(self, state: str, after: int = 0) -> dict[str, Any]:
        """Wait for a state of a generation above `after`."""
        told = self.client.wait(
            "hotplate/state",
            lambda params: params["state"] == state and params["generation"] > after,
            since=self._seen,
        )
        return told.params

    def forget(self) -> None:
        """Later waits look only at what comes from now on."""
        self._seen = len(self.client.notifications)

    # ------------------------------------------------------------ the browser

    def get(self, path: str = "/", port: int | None = None) -> tuple[int, str]:
        """GET, on a connection of its own: the status and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        finally:
            connection.close()

    # ------------------------------------------------------------ rest

    def until(self, holds: Callable[[], object], seconds: float = SECONDS) -> None:
        """Wait until nothing is wrong any more: `holds` returns what is, or nothing."""
        deadline = time.monotonic() + seconds
        while wrong := holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"{wrong}\n{self.describe()}")
            time.sleep(0.01)

    def at_rest(self, family: int = 3) -> None:
        """Wait until what is made ready for the next start is ready: the app, the standby and
        its copy are there, and nobody else."""
        self.until(lambda: self._missing(family))

    def _missing(self, family: int) -> str:
        found = census(self.pid)
        if found.children != family or found.zombies:
            return f"{found.children} children, {found.zombies} of them dead, instead of {family}"
        # One that has just been made is watched a moment later only.
        watched = sum("pidfd" in line for line in descriptors(self.pid))
        return f"{watched} processes are watched, instead of {family}" if watched != family else ""

    def describe(self) -> str:
        """All that helps to understand a failure."""
        told = [n.params for n in self.client.notifications if n.method == "hotplate/state"]
        return "\n".join(
            [
                "the last states:",
                *(f"  {_short(params)}" for params in told[-8:]),
                "the server's children:",
                *(f"  {line}" for line in describe(set(children(self.pid)))),
                "its descriptors:",
                *(f"  {line}" for line in descriptors(self.pid)),
                "the end of its log:",
                self.log.read_text("utf-8", "replace")[-3000:],
            ]
        )


def _short(params: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("state", "generation", "reason", "pid", "files", "error")
    return {key: params[key] for key in kept if params.get(key) is not None}
