"""Our own messages on the wire."""

from __future__ import annotations

import pytest
from lsprotocol.types import Position, Range

from hotplate.lsp import protocol


@pytest.mark.parametrize(
    ("name", "expected"),
    [("app", "app"), ("ready_ms", "readyMs"), ("in_workspace", "inWorkspace")],
)
def test_camel(name: str, expected: str) -> None:
    assert protocol.camel(name) == expected


def test_optional_fields_are_left_out() -> None:
    params = protocol.StateParams("id", "shop", "file:///shop", "stopped", 0)
    assert protocol.to_json(params) == {
        "app": "id",
        "name": "shop",
        "folder": "file:///shop",
        "state": "stopped",
        "generation": 0,
    }


def test_a_state_in_full() -> None:
    error = protocol.StateError("E", "m", "file:///a.py", Range(Position(0, 1), Position(0, 2)))
    params = protocol.StateParams(
        "id", "shop", "file:///shop", "failed", 3, "http://localhost:1", 42, "save",
        ["file:///a.py"], 0, error,
    )  # fmt: skip
    told = protocol.to_json(params)
    assert told["readyMs"] == 0  # nothing is not left out for being falsy
    assert told["files"] == ["file:///a.py"]
    assert told["error"]["range"] == {
        "start": {"line": 0, "character": 1},
        "end": {"line": 0, "character": 2},
    }


def test_no_pin_is_told_as_null() -> None:
    told = protocol.to_json(protocol.DebuggerPinParams("id", 1, None))
    assert told == {"app": "id", "generation": 1, "pin": None}


def test_nested_lists() -> None:
    range_ = Range(Position(1, 2), Position(1, 3))
    frame = protocol.TracebackFrame("file:///a.py", range_, "f", "x", True)
    cause = protocol.TracebackCause("E", "m", "cause", [frame])
    params = protocol.TracebackParams(
        "id", 1, "t", "request", "E", "m", "text", [frame], [cause],
        protocol.TracebackRequest("GET", "/x"), "http://localhost/secret",
    )  # fmt: skip
    told = protocol.to_json(params)
    assert told["frames"][0]["inWorkspace"] is True
    assert told["frames"] == told["causes"][0]["frames"]
    assert told["request"] == {"method": "GET", "url": "/x"}
    assert told["debuggerUrl"] == "http://localhost/secret"


def test_every_notification_has_a_shape() -> None:
    assert set(protocol.NOTIFICATIONS) == {
        "hotplate/state", "hotplate/debuggerPin", "hotplate/pinWanted", "hotplate/traceback",
        "hotplate/output", "hotplate/removed",
    }  # fmt: skip
