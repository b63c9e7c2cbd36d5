"""What the menu for a problem offers."""

from __future__ import annotations

import attrs
import pytest
from lsprotocol.types import CodeAction, Command, Diagnostic, Position, Range

from hotplate.lsp.fixes import COPY_PIN, SELECT_INTERPRETER, Case, actions, fixes

CASE = Case(
    app="file:///shop",
    name="shop",
    type="KeyError",
    traceback=None,
    has_pin=False,
    commands=frozenset(),
)
OWN = frozenset({COPY_PIN, SELECT_INTERPRETER})


def problem(line: int) -> Diagnostic:
    return Diagnostic(Range(Position(line, 0), Position(line, 1)), "KeyError")


@pytest.mark.parametrize(
    "changes, commands",
    [
        ({}, ["restart"]),
        ({"traceback": "t"}, ["openDebugger", "restart"]),
        ({"traceback": "t", "has_pin": True}, ["openDebugger", "debuggerPin", "restart"]),
        (
            {"traceback": "t", "has_pin": True, "commands": OWN},
            ["openDebugger", "copyPin", "restart"],
        ),
        ({"has_pin": True, "commands": OWN}, ["restart"]),  # no page would ask for it
        ({"type": "PortTaken"}, ["useFreePort", "restart"]),
        ({"type": "InterpreterNotFound"}, ["restart"]),
        ({"type": "InterpreterNotFound", "commands": OWN}, ["selectInterpreter", "restart"]),
        ({"type": "ModuleNotFoundError", "commands": OWN}, ["selectInterpreter", "restart"]),
    ],
)
def test_what_is_offered(changes: dict[str, object], commands: list[str]) -> None:
    found = fixes(attrs.evolve(CASE, **changes))  # type: ignore[arg-type]
    assert [fix.command.removeprefix("hotplate.") for fix in found] == commands
    assert all(fix.argument["app"] == CASE.app for fix in found)
    assert [fix.command for fix in found if fix.preferred] == [
        fix.command for fix in found if fix.command == "hotplate.useFreePort"
    ]


def test_each_entry_stands_once_for_all_its_problems() -> None:
    one, other = problem(1), problem(2)
    menu = actions([(one, fixes(CASE)), (other, fixes(CASE))], literals=True)
    (action,) = menu
    assert isinstance(action, CodeAction)
    assert action.diagnostics == [one, other]
    assert action.kind == "quickfix"
    assert action.command == Command(
        "Restart shop", "hotplate.restart", arguments=[{"app": CASE.app}]
    )


def test_a_client_of_old_is_given_commands() -> None:
    assert actions([(problem(1), fixes(CASE))], literals=False) == [
        Command("Restart shop", "hotplate.restart", arguments=[{"app": CASE.app}])
    ]
