"""Hotplate, as an editor runs it: a real session over standard input and output."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment
from benchmarks.lsp_client import Answer, LspClient
from benchmarks.peers import PLAIN, RELOADERS, Peer, until_it_answers
from benchmarks.prober import HOST
from benchmarks.processes import family
from benchmarks.projects import Project

SERVER = Path(__file__).resolve().parents[1] / "server"
COMMAND = (sys.executable, "-m", "hotplate", "lsp")
"""How an editor starts the server."""


@dataclass
class HotplatePeer:
    """A session, in which the project's saved file is open."""

    client: LspClient
    port: int

    def saved(self, path: Path) -> Future[float]:
        known: Future[float] = Future()

        def answered(answer: Future[Answer]) -> None:
            error = answer.exception()
            if error is not None:
                known.set_exception(error)
            else:
                known.set_result(answer.result().at)

        self.client.saved(path).add_done_callback(answered)
        return known

    def pids(self) -> dict[str, int]:
        server = self.client.process.pid
        told = [each.params for each in self.client.notifications if "pid" in each.params]
        app = told[-1]["pid"] if told else 0
        others = sorted(family(server) - {server, app})
        names = ["standby", *(f"standby {number}" for number in range(2, len(others) + 1))]
        return {"server": server, "app": app, **dict(zip(names, others, strict=False))}


class Hotplate(Peer):
    """Hotplate. The project's app runs in the peer's environment, the server in this one."""

    @contextmanager
    def serve(
        self, environment: Environment, project: Project, port: int, log: Path, streams: bool
    ) -> Iterator[HotplatePeer]:
        with session(environment, project, port, log) as client:
            until_it_answers(client.process, port, log)
            client.state("running")
            yield HotplatePeer(client, port)


@contextmanager
def session(
    environment: Environment,
    project: Project,
    port: int,
    log: Path,
    command: Sequence[str] = COMMAND,
    **settings: Any,
) -> Iterator[LspClient]:
    """A server that has been told to run a project's app. It is ended as an editor does it."""
    with log.open("wb") as output:
        client = LspClient(command, variables(environment, log), output)
    try:
        client.initialize(project.folder, options(environment, port, settings))
        client.open(project.saved)
        yield client
    finally:
        client.close()


def variables(environment: Environment, log: Path) -> dict[str, str]:
    """The editor's environment variables: this checkout's server, and no approvals of before."""
    return environment.variables(
        PYTHONPATH=str(SERVER), HOTPLATE_STATE_DIR=str(log.with_suffix(".state"))
    )


def options(environment: Environment, port: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the client says in `initialize`."""
    return {
        "trusted": True,
        "interpreter": str(environment.python),
        "host": HOST,
        "port": port,
        **settings,
    }


HOTPLATE = Hotplate("hotplate", "**Hotplate**", PLAIN)

PEERS: dict[str, Peer] = {peer.name: peer for peer in (HOTPLATE, *RELOADERS)}
"""Every peer, in the order of the tables."""
