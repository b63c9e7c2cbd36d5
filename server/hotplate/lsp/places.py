"""Places: between the disk's paths and lines and the editor's URIs and positions."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from lsprotocol.types import Position, PositionEncodingKind, Range
from pygls import uris

from hotplate.supervision.files import real
from hotplate_agent.messages import Frame

UTF8, UTF16 = PositionEncodingKind.Utf8, PositionEncodingKind.Utf16
START = Range(Position(0, 0), Position(0, 0))


class Places:
    """Knows the workspace's folders as the editor spells them.

    An app sees its folder by its real path, an editor perhaps through a symbolic link. Paths are
    compared by their real names, and told in the editor's.
    """

    def __init__(self, encoding: PositionEncodingKind | str | None = UTF16) -> None:
        self.encoding = encoding or UTF16
        self._spellings: list[tuple[str, str]] = []

    def add_folder(self, folder: Path) -> None:
        path = os.path.realpath(folder)
        if path != str(folder):
            self._spellings.append((path, str(folder)))

    def path(self, uri: str, folders: dict[str, str] | None = None) -> str | None:
        """The real path of a file's URI; None for what is no file. `folders` holds what is known
        of folders, for as long as that may be: a link may lead elsewhere at the next save."""
        try:
            path = file_path(uri)
        except Exception:
            return None
        if not path or not uri.lower().startswith("file:") or "\0" in path:
            return None
        if not os.path.isabs(path):
            return None  # file:///C:/..., of another machine
        try:
            os.fsencode(path)
            return real(path, {} if folders is None else folders)
        except ValueError:  # characters that no file's name can have
            return None

    def uri(self, path: str) -> str:
        """A file's URI as the editor writes it."""
        for folder, spelled in self._spellings:
            if path == folder or path.startswith(folder + os.sep):
                path = spelled + path[len(folder) :]
                break
        try:
            return uris.from_fs_path(path) or Path(path).as_uri()
        except UnicodeEncodeError:  # a name that is no UTF-8
            return "file://" + quote(os.fsencode(path))

    def units(self, text: str, column: int) -> int:
        """A column in code points, as the editor counts."""
        head = text[:column]
        if self.encoding == UTF8:
            return len(head.encode("utf-8", "surrogatepass"))
        if self.encoding == UTF16:
            return len(head.encode("utf-16-le", "surrogatepass")) // 2
        return len(head)

    def range(self, frame: Frame) -> Range:
        """The exact expression where it is known, else the line's code."""
        line = max(frame.line - 1, 0)
        if frame.column is not None and frame.end_column is not None:
            end_line = (frame.end_line or frame.line) - 1
            end_text = frame.end_source if end_line > line else frame.source
            start = Position(line, self.units(frame.source, frame.column))
            end = Position(max(end_line, line), self.units(end_text, frame.end_column))
            if (end.line, end.character) > (start.line, start.character):
                return Range(start, end)
        return self.line(line, frame.source, frame.column or 0)

    def line(self, line: int, text: str, start: int = 0) -> Range:
        """A line's code without its indentation, or what of it stands behind `start`."""
        text = text.rstrip()
        indentation = len(text) - len(text.lstrip())
        start = max(start if start < len(text) else 0, indentation)
        return Range(
            Position(line, self.units(text, start)), Position(line, self.units(text, len(text)))
        )


def file_path(uri: str) -> str | None:
    """A file's path, as it is written. `localhost` is this machine, too."""
    return uris.to_fs_path(re.sub(r"(?i)^file://localhost(?=/)", "file://", uri))


def in_units(places: Places, path: str, line: int) -> Range:
    """The code on one line of a file, read from the disk."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, text in enumerate(file):
                if number == line:
                    return places.line(line, text.rstrip("\n"))
    except OSError:
        pass
    return START
