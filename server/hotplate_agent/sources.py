"""Where in a file an exception points: lines, exact columns, and the places Python does not tell.

A traceback counts columns in UTF-8 bytes. A `SyntaxError` counts in characters or in bytes, which
differs by the version and by the part of the compiler that complains; and for a source with a null
byte, or one that is not in the encoding it claims, it may name no line, a wrong one, or no file.
All that is put right here. Nothing here is fast, so it is for exceptions only.
"""

import codecs
import linecache
import os
import sys
from collections import deque
from types import CodeType, FrameType, TracebackType
from typing import Any, Callable, Deque, Dict, Iterator, List, NamedTuple, Optional, Tuple, TypeVar

from hotplate_agent.messages import Frame

T = TypeVar("T")

LONGEST_LINE = 10_000
LARGEST_FILE = 10_000_000

_MARK = "\ufeff"  # the byte order mark


def safely(default: T, function: Callable[..., T], *args: Any) -> T:
    """What `function` returns, or `default` if it raises anything at all.

    An exception object can run any code when it is looked at, and a `SystemExit` from its
    `__str__` must not end the app any more than a `ValueError`.
    """
    try:
        return function(*args)
    except BaseException:
        return default


def attribute(thing: Any, name: str) -> Any:
    """An attribute of an object that cannot be trusted; None where there is none."""
    return safely(None, getattr, thing, name, None)


def number(thing: Any, name: str) -> int:
    """An attribute that should be a number, or 0."""
    value = attribute(thing, name)
    return value if type(value) is int else 0


def string(thing: Any, name: str) -> str:
    """An attribute that should be a string, or ""."""
    value = attribute(thing, name)
    return str.__str__(value) if issubclass(type(value), str) else ""


# ---------------------------------------------------------------- files

# Relative names in code objects are relative to where the interpreter was started.
CWD = safely("", os.getcwd)

_HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_RUNPY = os.path.join(os.path.dirname(os.path.abspath(os.__file__)), "runpy.py")
_FROZEN = ("<frozen importlib", "<frozen runpy", "<frozen zipimport")


def absolute(name: str) -> str:
    """The absolute name of a code object's file; names such as `<string>` are no files."""
    if not name or os.path.isabs(name) or is_placeholder(name):
        return name
    return os.path.normpath(os.path.join(CWD, name))


def is_placeholder(name: str) -> bool:
    """If this is a name such as `<string>` or `<template>`."""
    return name.startswith("<") and name.endswith(">")


def is_agent(name: str) -> bool:
    """If this file is one of the agent's own."""
    return absolute(name).startswith(_HERE)


def is_machinery(name: str) -> bool:
    """If this is the agent, or what Python itself uses to import and run modules."""
    return name.startswith(_FROZEN) or name == _RUNPY or is_agent(name)


# ---------------------------------------------------------------- lines and columns


def line_of(file: str, line: int, namespace: Optional[Dict[str, Any]] = None) -> str:
    """The text of a line without its end; "" where it is not to be had."""
    return safely("", linecache.getline, file, line, namespace).rstrip("\r\n")


def shown(line: str) -> str:
    """A line as it goes to the server: whole, unless it is absurdly long."""
    return line[:LONGEST_LINE]


def characters(line: str, offset: int) -> int:
    """How many characters of a line the first `offset` bytes of it are."""
    if line.isascii():
        return min(offset, len(line))
    data = line.encode("utf-8", "surrogatepass")
    return len(data[:offset].decode("utf-8", "replace"))


def code_place(code: CodeType, line: int, offset: int, namespace: Dict[str, Any]) -> Frame:
    """A frame's line, with the exact expression where this interpreter knows it."""
    file = absolute(code.co_filename)
    template = namespace.get("__jinja_template__")
    if template is not None:
        line = safely(line, template.get_corresponding_lineno, line)
    source = line_of(file, line, namespace)
    plain = Frame(file, line, code.co_name, shown(source))
    if template is not None or "__jinja_exception__" in namespace or not source:
        return plain  # The columns, if any, are those of generated code.
    at, end_line, column, end_column = _position(code, offset)
    if at != line or end_line is None or column is None or end_column is None:
        return plain
    end_source = source if end_line == line else line_of(file, end_line, namespace)
    return plain._replace(
        column=characters(source, column),
        end_line=end_line,
        end_column=characters(end_source, end_column),
        end_source=shown(end_source),
    )


_Position = Tuple[Optional[int], Optional[int], Optional[int], Optional[int]]


def _position(code: CodeType, offset: int) -> _Position:
    """(line, end line, column, end column) of the instruction at `offset`, for Python 3.11+."""
    positions = getattr(code, "co_positions", None)
    if positions is not None and offset >= 0:
        for index, position in enumerate(positions()):
            if index == offset // 2:
                return position  # type: ignore[no-any-return]
    return None, None, None, None


# ---------------------------------------------------------------- errors with a place of their own


def own_place(exc: BaseException) -> Optional[Frame]:
    """The place that an error in the source itself is about, which no frame of it shows.

    That is every `SyntaxError`; also the `ValueError` that older versions raise for a null byte,
    and the bare `UnicodeDecodeError` of newer ones for an f-string that is not UTF-8.
    """
    if issubclass(type(exc), SyntaxError):
        for find in (_bad_byte, _inside_f_string, _told_place):
            frame = safely(None, find, exc)
            if frame is not None:
                return frame
        return None
    if issubclass(type(exc), UnicodeDecodeError) or _is_about_null(exc):
        return _bad_byte(exc)
    return None


def traceback_of(exc: BaseException) -> Optional[TracebackType]:
    """The traceback of an exception, unless its class makes something else of that."""
    tb = attribute(exc, "__traceback__")
    return tb if type(tb) is TracebackType else None


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
    if is_placeholder(name) or _cookie(head):
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


# ---------------------------------------------------------------- sources that cannot be read


class _Flaw(NamedTuple):
    """A byte that has no place in a Python source."""

    line: int
    column: int
    end_column: int
    source: str


def _bad_byte(exc: BaseException) -> Optional[Frame]:
    """The place of the null byte, or of the byte not in the file's encoding, behind `exc`."""
    if issubclass(type(exc), SyntaxError) and not _is_about_bytes(exc):
        return None
    name = string(exc, "filename")
    for file in [absolute(name)] if name else being_loaded(traceback_of(exc)):
        data = safely(b"", _content, file)
        flaws = _flaws(data, _is_about_null(exc))
        if flaws:
            flaw = _nearest(flaws, exc, data)
            source = shown(flaw.source)
            return Frame(
                file, flaw.line, "", source, flaw.column, flaw.line, flaw.end_column, source
            )
    return None


def _is_about_null(exc: BaseException) -> bool:
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
    cookie = _cookie(lines)
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


def _cookie(lines: List[bytes]) -> Optional[_Flaw]:
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


# ---------------------------------------------------------------- files being imported


def being_loaded(tb: Optional[TracebackType]) -> Iterator[str]:
    """The files that may have been compiled when an exception arose, the likeliest first.

    Python takes importlib's frames, which knew, out of the traceback of most imports; what is left
    is the statement, or the call, that imports.
    """
    steps: Deque[Tuple[FrameType, int]] = deque(maxlen=10)
    while tb is not None:
        steps.append((tb.tb_frame, tb.tb_lasti))
        tb = tb.tb_next
    nothing: List[str] = []
    for frame, offset in reversed(steps):
        if not is_machinery(frame.f_code.co_filename):
            for module in safely(nothing, _imported, frame, offset):
                yield from safely(nothing, _module_files, module)
            return
        for name in ("source_path", "path", "fname", "filename"):
            value = safely(None, frame.f_locals.get, name)
            if isinstance(value, str) and not is_placeholder(value):
                yield absolute(value)


def _imported(frame: FrameType, offset: int) -> List[str]:
    """The modules that a frame may be importing at this instruction."""
    import dis

    code = frame.f_code
    before: Deque[Any] = deque(maxlen=2)
    for instruction in dis.get_instructions(code):
        if instruction.offset == offset:
            break
        before.append(instruction.argval)
    else:
        return []
    if instruction.opname != "IMPORT_NAME":
        # A call such as `__import__(module_name)` in Flask: any variable may hold the name.
        if "__import__" not in code.co_names:
            return []
        texts = [each for each in list(frame.f_locals.values()) if type(each) is str]
        return [text for text in texts if len(text) < 200 and text.replace(".", "").isidentifier()]
    level, taken = before
    name = instruction.argval
    if level:
        package = frame.f_globals["__package__"].split(".")
        name = ".".join(package[: len(package) - level + 1] + [name] * bool(name))
    return [name, *(name + "." + each for each in taken or ())]


def _module_files(name: str) -> List[str]:
    """The source files of a module and of the packages it is in, the innermost first."""
    from importlib.machinery import PathFinder

    files: List[str] = []
    parts = name.split(".")
    path = None
    for count in range(1, len(parts) + 1):
        whole = ".".join(parts[:count])
        spec = attribute(sys.modules.get(whole), "__spec__") or PathFinder.find_spec(whole, path)
        if spec is None:
            break
        if isinstance(spec.origin, str):
            files.insert(0, spec.origin)
        path = spec.submodule_search_locations
        if path is None:
            break
    return files
