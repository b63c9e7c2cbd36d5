"""`python -m benchmarks.timeline`: one save of Hotplate's, step by step, as seen from outside.

The steps are what the client does and is told, and what the app itself notes. All of it is on one
clock, the system's monotonic one.
"""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click

from benchmarks.environments import environment
from benchmarks.figures import median, milliseconds
from benchmarks.hotplate_peer import HOTPLATE, session
from benchmarks.lsp_client import LspClient, result_of
from benchmarks.measure import FIRST_SETTLE
from benchmarks.prober import HOST, NEVER, free_port, is_whole, request
from benchmarks.projects import FIRST, Project
from benchmarks.report import markdown
from benchmarks.scenarios import SCENARIOS

_HEADER = b"x-times: "
_BEFORE = "import time as _time\n\n_BEGAN = _time.monotonic()\n"
_AFTER = """

@app.after_request
def _tell(response):
    times = (_BEGAN, _ENDED, _time.monotonic())
    response.headers["X-Times"] = " ".join(map(str, times))
    return response


_ENDED = _time.monotonic()
"""


class Steps(NamedTuple):
    """When each step of one save was done, in the order in which they come."""

    on_disk: float
    written: float
    handled: float
    begun: float
    loaded: float
    answered: float
    first_byte: float
    whole: float
    closed: float
    told: float
    """When `running` came. It is sent before the answer, and may be read after it."""

    ready: float
    """What the server says of itself, `readyMs`, in seconds."""


TITLES = {
    "written": "didSave is written",
    "handled": "the server has handled it: the request behind it is answered",
    "begun": "the app's file begins to run",
    "loaded": "the app is imported",
    "told": "`running` is read",
    "answered": "the view has answered",
    "first_byte": "the answer's first byte",
    "whole": "the answer is whole",
    "closed": "the connection is closed",
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--scenario", type=click.Choice(["hello", "data", "modules"]), default="hello")
@click.option("--saves", type=click.IntRange(1), default=10, show_default=True)
@click.option("--warmup", type=click.Choice(["off", "framework", "dependencies"]), default=None)
def main(scenario: str, saves: int, warmup: str | None) -> None:
    """Print where the milliseconds of a save of Hotplate's go: medians over some saves."""
    chosen = SCENARIOS[scenario]
    place = environment((*HOTPLATE.packages, *chosen.packages), click.echo)
    settings = {} if warmup is None else {"warmup": warmup}
    with TemporaryDirectory(prefix="hotplate-bench-") as name:
        folder = Path(name).resolve()
        (folder / "project").mkdir()
        project = timed(chosen.make(folder / "project"))
        port = free_port()
        with session(place, project, port, folder / "hotplate.log", **settings) as client:
            found = [*_saves(client, project, port, saves + 1)][1:]
    print("\n".join(table(found)))


def timed(project: Project) -> Project:
    """The project with an app that notes when it is imported, and tells it with each answer."""
    app = project.folder / "app.py"
    if project.saved == app:
        project = replace(project, source=_BEFORE + project.source + _AFTER)
        project.write(FIRST)
    else:
        app.write_text(_BEFORE + app.read_text() + _AFTER)
    return project


def _saves(client: LspClient, project: Project, port: int, saves: int) -> list[Steps]:
    generation = client.state("running").params["generation"]
    found = []
    for version in range(FIRST + 1, FIRST + 1 + saves):
        time.sleep(FIRST_SETTLE)  # what is made ready for the next start is ready by then
        project.write(version)
        on_disk = time.monotonic()
        known = client.saved(project.saved)
        written = time.monotonic()
        handled = result_of(known, "a save").at
        first_byte, whole, closed, response = _ask(port)
        running = client.state("running", generation)
        generation = running.params["generation"]
        begun, loaded, answered = _times(response, version)
        ready = running.params["readyMs"] / 1000
        found.append(
            Steps(
                on_disk, written, handled, begun, loaded, answered, first_byte, whole, closed,
                running.at, ready,
            )
        )  # fmt: skip
    return found


def _ask(port: int) -> tuple[float, float, float, bytes]:
    """When the first of an answer came, the whole, and its end; and what it was."""
    with socket.create_connection((HOST, port), NEVER) as connection:
        connection.sendall(request(port))
        response = connection.recv(65536)
        first = time.monotonic()
        while not is_whole(response) and (part := connection.recv(65536)):
            response += part
        whole = time.monotonic()
        while connection.recv(65536):
            pass
        return first, whole, time.monotonic(), response


def _times(response: bytes, version: int) -> tuple[float, float, float]:
    """What the app has told. Raises RuntimeError where it is not the code that was saved."""
    head, _, body = response.partition(b"\r\n\r\n")
    if body != str(version).encode():
        raise RuntimeError(f"Version {version} was saved, and this was answered: {response!r}")
    field = next(line for line in head.split(b"\r\n") if line.lower().startswith(_HEADER))
    begun, loaded, answered = map(float, field[len(_HEADER) :].split())
    return begun, loaded, answered


def table(found: list[Steps]) -> list[str]:
    """Each step's time since the bytes were on disk, and what it took since the step before."""
    at = {name: median([getattr(each, name) - each.on_disk for each in found]) for name in TITLES}
    rows, before = [], 0.0
    for name, moment in sorted(at.items(), key=lambda item: item[1]):
        rows.append([TITLES[name], milliseconds(moment), milliseconds(moment - before)])
        before = moment
    ready = milliseconds(median([each.ready for each in found]))
    return [
        *markdown(["since the bytes are on disk, ms", "median", "step"], rows),
        "",
        f"The server's own word, `readyMs`: {ready} ms.",
    ]


if __name__ == "__main__":
    main()
