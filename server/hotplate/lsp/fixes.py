"""Quick fixes: what can be done about a problem, in the editor's own menu for it."""

from __future__ import annotations

from typing import Any

import attrs
from lsprotocol.types import CodeAction, CodeActionKind, Command, Diagnostic

COPY_PIN, SELECT_INTERPRETER = "hotplate.copyPin", "hotplate.selectInterpreter"
"""Commands that a client may have. They take the same object as ours."""

_OF_THE_PORT = frozenset({"PortTaken", "PortForbidden"})
_OF_THE_INTERPRETER = frozenset(
    {"InterpreterNotFound", "InterpreterNotAllowed", "ModuleNotFoundError", "ImportError"}
)


@attrs.frozen
class Case:
    """A problem, and how its app stands now.

    `traceback` is its id where the interactive debugger still has it; `commands` are those that
    the client has told to have.
    """

    app: str
    name: str
    type: str
    traceback: str | None
    has_pin: bool
    commands: frozenset[str]


@attrs.frozen
class Fix:
    """One entry of the menu. `preferred`: it removes the cause."""

    title: str
    command: str
    argument: dict[str, Any]
    preferred: bool = False


def fixes(case: Case) -> list[Fix]:
    """The likeliest first."""
    argument: dict[str, Any] = {"app": case.app}
    found = []
    if case.type in _OF_THE_PORT:
        found.append(Fix("Use the next free port", "hotplate.useFreePort", argument, True))
    if case.type in _OF_THE_INTERPRETER and SELECT_INTERPRETER in case.commands:
        found.append(Fix("Choose another interpreter…", SELECT_INTERPRETER, argument))
    if case.traceback is not None:
        exception = {**argument, "id": case.traceback}
        found.append(Fix("Open the debugger in the browser", "hotplate.openDebugger", exception))
        if case.has_pin and COPY_PIN in case.commands:
            found.append(Fix("Copy the debugger's PIN", COPY_PIN, argument))
        elif case.has_pin:
            show = {**argument, "show": True}
            found.append(Fix("Show the debugger's PIN", "hotplate.debuggerPin", show))
    found.append(Fix(f"Restart {case.name}", "hotplate.restart", argument))
    return found


def actions(
    found: list[tuple[Diagnostic, list[Fix]]], literals: bool
) -> list[CodeAction | Command]:
    """The menu for some problems; each entry once. Without `literals` the client takes commands."""
    entries: dict[str, tuple[Fix, list[Diagnostic]]] = {}
    for problem, each in found:
        for fix in each:
            _, problems = entries.setdefault(f"{fix.command} {fix.argument}", (fix, []))
            problems.append(problem)
    menu: list[CodeAction | Command] = []
    for fix, problems in entries.values():
        command = Command(fix.title, fix.command, arguments=[fix.argument])
        action = CodeAction(
            fix.title,
            kind=CodeActionKind.QuickFix,
            diagnostics=problems,
            is_preferred=fix.preferred or None,
            command=command,
        )
        menu.append(action if literals else command)
    return menu
