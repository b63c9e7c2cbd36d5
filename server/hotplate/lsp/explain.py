"""Failures in a person's words: what it is, where it comes from, what to do next."""

from __future__ import annotations

import os.path
import re

import attrs

from hotplate.project.discovery import Located
from hotplate.project.interpreter import Interpreter
from hotplate.project.packages import likely_distribution
from hotplate.supervision.events import Failure
from hotplate_agent.messages import Report

LONGEST = 2000


@attrs.frozen
class Explained:
    """What to show. `headline` has the exception's name before the message, as Python prints it."""

    type: str
    message: str

    @property
    def headline(self) -> str:
        if not self.message or self.message == self.type:
            return self.type
        return f"{self.type}: {self.message}"


def explain(
    failure: Failure, interpreter: Interpreter | None, located: Located | None = None
) -> Explained:
    """A failed start. `interpreter` is the one that was taken, `located` what was to be run."""
    report = failure.report
    name = short(report.type)
    if failure.kind == "exit":
        return _exit(report, located)
    if failure.kind == "error":
        if report.missing and interpreter is not None:
            return Explained(name, _missing(report, interpreter))
        if _is_misfit(failure):
            return Explained(name, _misfit(failure, interpreter))
        if name == "NoAppException":
            return Explained(name, _no_app(report, located))
        if name == "FileNotFoundError" and located is not None and _is_script_missing(located):
            return Explained(name, _script_missing(located))
        if name == "MemoryError" and not report.message:
            return Explained(name, "There was not enough memory for what the app wanted.")
        if hint := _hint(name, report.message):
            return Explained(name, cut(report.message) + hint)
    return Explained(name, cut(report.message) + _caught(report))


_HINTS = (
    ("SyntaxError", "'utf-8' codec can't decode",
     ". Save the file as UTF-8, or name its encoding in its first line: # coding: latin-1"),
    ("SyntaxError", "null byte",
     ". Save the file as UTF-8: it is of another encoding, or damaged."),
    ("BadParameter", "'--cert'", " Set hotplate.cert to a file that is there, or to \"adhoc\"."),
    ("BadParameter", "python-dotenv must", " Install it beside Flask, or unset hotplate.envFile."),
    ("BadParameter", "'--env-file'", " Set hotplate.envFile to a file that is there."),
    ("BadParameter", "'--key'", " Set hotplate.key to the certificate's private key."),
)  # fmt: skip


def _hint(name: str, message: str) -> str:
    return next((hint for type_, part, hint in _HINTS if name == type_ and part in message), "")


_BLAMED = {
    "PortTaken": ("port",),
    "PortForbidden": ("port",),
    "HostUnknown": ("host",),
    "SocketTaken": ("host",),
    "SocketRefused": ("host",),
    "InterpreterNotFound": ("interpreter",),
    "InterpreterNotAllowed": ("interpreter",),
    "FolderNotFound": ("cwd", "folder"),
    "NoAppException": ("app",),
    "FileNotFoundError": ("script",),
    "ModuleNotFoundError": ("script",),
    "NothingServed": ("script",),
}


_OPTIONS = {"'--cert'": "cert", "'--key'": "key", "'--env-file'": "env_file"}


def blamed(explained: Explained) -> tuple[str, ...]:
    """The settings that can be to blame, where no code of the person's took part."""
    if explained.type == "BadParameter":
        return tuple(field for name, field in _OPTIONS.items() if name in explained.message)
    return _BLAMED.get(explained.type, ())


def _exit(report: Report, located: Located | None) -> Explained:
    """The app has called sys.exit(), or `python -m` has found nothing to run."""
    not_run = re.fullmatch(
        r".*: (No module named .+|.+ cannot be directly executed)", report.message
    )
    if not_run and located is not None and located.kind == "configured":
        return Explained(
            "ModuleNotFoundError",
            f"{not_run[1]}: {_setting(located)} is {located.target!r}. Name a module that can be "
            "run there, or set hotplate.cwd to the folder from which it can be imported.",
        )
    code = report.message
    if code.lstrip("-").isdigit() or not code:
        told = f"The app called sys.exit({code}) while it was loaded."
    else:
        told = f"The app called sys.exit() while it was loaded: {cut(code)}"
    return Explained("SystemExit", told + _caught(report))


def _caught(report: Report) -> str:
    """What the app has caught before, and may have ended for."""
    caught = next((cause for cause in report.causes if cause.relation == "caught"), None)
    if caught is None:
        return ""
    place = "".join(
        f" ({os.path.basename(frame.file)}, line {frame.line})" for frame in caught.frames[-1:]
    )
    return f"\nBefore that, it caught {short(caught.type)}: {cut(caught.message, 500)}{place}"


def _no_app(report: Report, located: Located | None) -> str:
    """Flask's own words, the reason behind them, and where to say which app is meant."""
    message = report.message
    behind = next((cause for cause in report.causes if short(cause.type) == "TypeError"), None)
    if behind is not None and behind.message not in message:
        message += f" ({cut(behind.message, 300)})"
    if located is not None and located.kind == "configured":
        return (
            f"{message} {located.reason} is {located.target!r}: name the app or its factory there."
        )
    return f"{message} Say which one in hotplate.app, such as \"app:create_app('dev')\"."


def _setting(located: Located) -> str:
    """What has named the app or the script, such as `hotplate.app`."""
    return located.reason.partition(",")[0]


def _is_script_missing(located: Located) -> bool:
    return located.kind == "configured" and located.file is None


def _script_missing(located: Located) -> str:
    return f"There is no file {located.target!r}, which {_setting(located)} names."


def _missing(report: Report, interpreter: Interpreter) -> str:
    module = (report.missing or "").split(".")[0]
    python = interpreter.path
    taken = f"{python} (taken from {interpreter.reason})"
    if module in ("flask", "werkzeug"):
        return (
            f"{report.message}: there is no {module.capitalize()} in {taken}. Install it "
            f"({python} -m pip install flask), or choose another Python with hotplate.interpreter."
        )
    return (
        f"{report.message} in {taken}. If it is a package, install it there: "
        f"{python} -m pip install {likely_distribution(module)} (or choose another Python with "
        "hotplate.interpreter). If it is a file of yours, look at its name and place."
    )


def _is_misfit(failure: Failure) -> bool:
    """An import inside of Flask or Werkzeug failed, of something inside of them."""
    frames = failure.report.frames
    return bool(
        failure.versions.keys() >= {"flask", "werkzeug"}
        and failure.report.type == "ImportError"
        and frames
        and any(f"site-packages/{name}/" in frames[-1].file for name in ("flask", "werkzeug"))
    )


def _misfit(failure: Failure, interpreter: Interpreter | None) -> str:
    flask = failure.versions.get("flask", "?")
    werkzeug = failure.versions.get("werkzeug", "?")
    python = str(interpreter.path) if interpreter is not None else "python"
    return (
        f"Flask {flask} and Werkzeug {werkzeug} do not go together "
        f"({cut(failure.report.message, 300)}). Let pip choose a pair that does: "
        f"{python} -m pip install --upgrade flask werkzeug"
    )


def short(type_: str) -> str:
    """An exception's name as the person has written it: without the module that it lives in."""
    return type_.rpartition(".")[2]


def cut(text: str, longest: int = LONGEST) -> str:
    """A message that fits a panel."""
    return text if len(text) <= longest else text[:longest] + "…"
