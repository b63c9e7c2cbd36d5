"""Bytes that have no place in a Python source.

For a source with a null byte, or one that is not in the encoding it claims, Python may name no
line, a wrong one, or no file.
"""

import codecs
import os
import sys
from typing import List, NamedTuple, Optional

from hotplate_agent.imported import being_loaded
from hotplate_agent.messages import Frame
from hotplate_agent.sources import absolute, attribute, number, safely, shown, string, traceback_of

LARGEST_FILE = 10_000_000


class _Flaw(NamedTuple):
    """A byte that has no place in a Python source."""

    line: int
    column: int
    end_column: int
    source: str


def bad_byte(exc: BaseException) -> Optional[Frame]:
    """The place of the null byte, or of the byte not in the file's encoding, behind `exc`."""
    if issubclass(type(exc), SyntaxError) and not _is_about_bytes(exc):
        return None
    name = string(exc, "filename")
    for file in [absolute(name)] if name else being_loaded(traceback_of(exc)):
        data = safely(b"", _content, file)
        flaws = _flaws(data, is_about_null(exc))
        if flaws:
            flaw = _nearest(flaws, exc, data)
            source = shown(flaw.source)
            return Frame(
                file, flaw.line, "", source, flaw.column, flaw.line, flaw.end_column, source
            )
    return None


def is_about_null(exc: BaseException) -> bool:
    """If the complaint is of a null byte: a SyntaxError, up to 3.10 and early 3.11 a ValueError."""
    if type(exc) is ValueError:
        return "source code string cannot contain null bytes" in exc.args
    return "null byte" in string(exc, "msg")


def _is_about_bytes(exc: BaseException) -> bool:
    """If a SyntaxError complains about the bytes of the source, not about its text."""
    message = string(exc, "msg")
    if "unicodeescape" in message:
        return False  # That is about an escape such as \\N{…}, and in its place.
    return (
        number(exc, "lineno") < 1
        or "codec can't decode" in message
        or "Non-UTF-8 code" in message
        or "only contain ASCII" in message
        or (message == "invalid character in identifier" and "\ufffd" in string(exc, "text"))
    )


def _content(file: str) -> bytes:
    if not os.path.isfile(file):
        return b""
    with open(file, "rb") as stream:
        return stream.read(LARGEST_FILE)


def _flaws(data: bytes, null: bool) -> List[_Flaw]:
    """The lines with a bad byte, each with its first one; with `null`, a null byte."""
    lines = data.splitlines()
    marked = data.startswith(codecs.BOM_UTF8)
    if marked:
        lines[0] = lines[0][len(codecs.BOM_UTF8) :]
    cookie = encoding_told(lines)
    encoding = _known(cookie.source[cookie.column : cookie.end_column]) if cookie else "utf-8"
    if cookie and not null and (not encoding or (marked and encoding != "utf-8")):
        return [cookie]
    encoding = encoding or "utf-8"
    found = []
    for line, text in enumerate(lines, 1):
        at = text.find(b"\0") if null else _undecodable(text, encoding)
        if at >= 0:
            column = len(text[:at].decode(encoding, "replace"))
            found.append(_Flaw(line, column, column + 1, text.decode(encoding, "replace")))
    return found


def _undecodable(text: bytes, encoding: str) -> int:
    try:
        text.decode(encoding)
    except UnicodeDecodeError as exc:
        return exc.start
    return -1


def _known(encoding: str) -> str:
    """Python's name for an encoding, "" if it has none."""
    return safely("", lambda: codecs.lookup(encoding).name)


def encoding_told(lines: List[bytes]) -> Optional[_Flaw]:
    """The place of the name in the comment by which a source tells its encoding (PEP 263)."""
    import re

    for line, text in enumerate(lines[:2], 1):
        source = text.decode("utf-8", "replace")
        cookie = re.match(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", source)
        if cookie:
            return _Flaw(line, cookie.start(1), cookie.end(1), source)
        if source.strip() and not source.strip().startswith("#"):
            break
    return None


def _nearest(flaws: List[_Flaw], exc: BaseException, data: bytes) -> _Flaw:
    """The flaw that `exc` means: a comment can hold others, which do no harm.

    The line it tells, if any, is that of the string's start; from 3.9 to 3.11, of its end.
    """
    line = number(exc, "lineno")
    culprit = attribute(exc, "object")
    if isinstance(culprit, bytes) and culprit in data:
        line = data[: data.index(culprit) + number(exc, "start")].count(b"\n") + 1
    before_first = (3, 9) <= sys.version_info < (3, 12)
    return min(flaws, key=lambda each: (abs(each.line - line), (each.line < line) != before_first))
