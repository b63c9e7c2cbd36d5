"""The code lenses on the app's line: its state and address, and what can be done about it."""

from __future__ import annotations

from lsprotocol.types import CodeLens, Command, Range

from hotplate.supervision.events import Phase
from hotplate.supervision.face import Status


def lenses(range_: Range, app: str, name: str, status: Status, has_pin: bool) -> list[CodeLens]:
    """For one app, from left to right. Each command can be run by any editor."""

    def lens(title: str, command: str, **more: object) -> CodeLens:
        arguments = [{"app": app, **more}]
        return CodeLens(range_, Command(title, f"hotplate.{command}", arguments=arguments))

    url = status.url or ""
    match status.phase:
        case Phase.STOPPED:
            return [lens(f"▶ Start {name}", "start")]
        case Phase.STOPPING:
            return [lens("Stopping…", "state")]
        case Phase.STARTING:
            return [lens("Starting…", "state"), lens("Stop", "stop")]
        case Phase.FAILED:
            first = lens(f"✗ Failed {url}".rstrip(), "openInBrowser" if url else "restart")
        case Phase.RUNNING:
            first = lens(f"● Running {url}".rstrip(), "openInBrowser")
    shown = [first, lens("Restart", "restart"), lens("Stop", "stop")]
    if has_pin:
        shown.append(lens("Show the PIN", "debuggerPin", show=True))
    return shown
