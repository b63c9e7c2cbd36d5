"""Errors in the source itself, whose place no frame shows.

A `SyntaxError` counts columns in characters or in bytes, which differs by the version and by the
part of the compiler that complains. All that is put right here.
"""

import linecache
import os
import sys
from typing import List, Optional, Tuple

from hotplate_agent.flaws import bad_byte, encoding_told, is_about_null
from hotplate_agent.imported import being_loaded
from hotplate_agent.messages import Frame
from hotplate_agent.sources import (
    LONGEST_LINE,
    absolute,
    attribute,
    characters,
    is_placeholder,
    line_of,
    number,
    safely,
    shown,
    string,
    traceback_of,
)

_MARK = "\ufeff"  # the byte order mark


def own_place(exc: BaseException) -> Optional[Frame]:
    """The place that an error in the source itself is about, which no frame of it shows.

    That is every `SyntaxError`; also the `ValueError` that older versions raise for a null byte,
    and the bare `UnicodeDecodeError` of newer ones for an f-string that is not UTF-8.
    """
    if issubclass(type(exc), SyntaxError):
        for find in (bad_byte, _inside_f_string, _told_place):
            frame = safely(None, find, exc)
            if frame is not None:
                return frame
        return None
    if issubclass(type(exc), UnicodeDecodeError) or is_about_null(exc):
        return bad_byte(exc)
    return None


def _told_place(exc: BaseException) -> Optional[Frame]:
    """The place that a SyntaxError tells."""
    name = attribute(exc, "filename")
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if not isinstance(name, str) or type(attribute(exc, "lineno")) is not int:
        return None
    file = absolute(name)
    safely(None, linecache.checkcache, file)
    line = max(number(exc, "lineno"), 1)
    source = _told_line(exc, line_of(file, line))
    end_line = max(number(exc, "end_lineno"), line)
    end_source = source if end_line == line else line_of(file, end_line)
    frame = Frame(file, line, "", shown(source))
    span = _told_span(exc, source, end_source)
    if span is None:
        return frame
    return frame._replace(
        column=span[0], end_line=end_line, end_column=span[1], end_source=shown(end_source)
    )


def _told_line(exc: BaseException, there: str) -> str:
    """The line that a SyntaxError is about, given what the file has `there`.

    Its `text` can be part of a line, several lines, or wrongly decoded; the file can be another
    text than the one compiled.
    """
    told = string(exc, "text").rstrip("\n").split("\n")[-1].rstrip("\r")
    return there if told.lstrip(_MARK).strip() in there else told


def _told_span(exc: BaseException, source: str, end_source: str) -> Optional[Tuple[int, int]]:
    """The first column in `source` and the one after the last in `end_source`, if told."""
    start, end = number(exc, "offset"), number(exc, "end_offset")
    several = number(exc, "end_lineno") > number(exc, "lineno")
    if start < 1 or not source:
        return None
    if not several and end <= start:
        end = 0
    text = string(exc, "text")
    if text.startswith(_MARK):
        # Counted in bytes, without the byte order mark, and then made characters with it.
        start = len(text[: start - 1].encode("utf-8", "replace")) + 1
        end = end and len(text[: end - 1].encode("utf-8", "replace")) + 1
        count = characters
    elif _counts_bytes(exc, source, start - 1, end - 1 if end and not several else None):
        count = characters
    else:
        count = _clamped
    if end < 1:
        return count(source, start - 1), _clamped(source, count(source, start - 1) + 1)
    return count(source, start - 1), count(end_source, end - 1)


def _clamped(line: str, offset: int) -> int:
    return min(offset, len(line))


def _counts_bytes(exc: BaseException, line: str, start: int, end: Optional[int]) -> bool:
    """If these offsets are bytes: whichever makes them the bounds of a token, if only one does."""
    if line.isascii() or len(line) > LONGEST_LINE:
        return False
    starts, ends = _token_bounds(line)

    def fits(start: int, end: Optional[int]) -> bool:
        return start in starts and (end is None or end in ends)

    as_bytes = fits(characters(line, start), None if end is None else characters(line, end))
    if as_bytes != fits(start, end):
        return as_bytes
    if sys.version_info < (3, 9):  # Bytes in all but the parser's few complaints.
        return not string(exc, "msg").startswith(("invalid ", "unexpected ", "EO"))
    # What the parser complains of is told with the line's end, what the tokenizer does without.
    return string(exc, "text").endswith("\n") and _parser_counts_bytes(string(exc, "filename"))


def _token_bounds(line: str) -> Tuple[List[int], List[int]]:
    """Where the tokens of a line start and end, as far as one can say of a line alone."""
    import re

    token = r"""\w*'(?:\\.|[^'\\])*'|\w*"(?:\\.|[^"\\])*"|\w+|\S"""
    found = list(re.finditer(token, line))
    return [each.start() for each in found], [each.end() for each in found]


def _parser_counts_bytes(name: str) -> bool:
    """If this interpreter's parser counts bytes in this file.

    Some of 3.9 to 3.12 do so (https://github.com/python/cpython/issues/115823 put it right), and
    none does in a file with a cookie, or in a string. The tokenizer always counts characters, the
    symbol table and the code generator always bytes.
    """
    head = [line_of(absolute(name), line).encode("utf-8", "replace") for line in (1, 2)]
    if is_placeholder(name) or encoding_told(head):
        return False
    try:
        compile("é = 5 5".encode(), "<string>", "exec")
    except SyntaxError as exc:
        return exc.offset == 8
    return False


def _inside_f_string(exc: BaseException) -> Optional[Frame]:
    """The place of an error in an f-string's expression, which before 3.12 is parsed by itself.

    Its offset is then that in the parenthesized expression; 3.8 does not name the file, either.
    """
    name, text = string(exc, "filename"), string(exc, "text").strip()
    alone = name == "<fstring>" or string(exc, "msg").startswith("f-string: ")
    if not alone or len(text) < 3 or (text[0], text[-1]) != ("(", ")"):
        return None
    inner = text[1:-1]
    start, end = max(number(exc, "offset") - 2, 0), number(exc, "end_offset") - 2
    for file in [absolute(name)] if name != "<fstring>" else being_loaded(traceback_of(exc)):
        safely(None, linecache.checkcache, file)
        lines: List[str] = safely([], linecache.getlines, file)
        found = [n for n, line in enumerate(lines, 1) if "{" + inner in line]
        if found:
            line = min(found, key=lambda n: abs(n - number(exc, "lineno")))
            source = lines[line - 1].rstrip("\r\n")
            base = source.index("{" + inner) + 1
            ends = base + min(end if end > start else start + 1, len(inner))
            source = shown(source)
            return Frame(file, line, "", source, base + start, line, ends, source)
    return None
