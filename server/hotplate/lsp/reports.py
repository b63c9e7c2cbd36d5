"""An exception's report as the editor is shown it: a traceback, and a problem on its line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import attrs
from lsprotocol.types import (
    Diagnostic,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    Location,
    Range,
)

from hotplate.lsp import protocol
from hotplate.lsp.explain import Explained, cut, short
from hotplate.lsp.places import Places, in_units
from hotplate.project.ownership import is_own
from hotplate_agent.messages import Frame, Report

MOST_RELATED = 40


@attrs.frozen
class Spot:
    """A place where the person can act."""

    uri: str
    range: Range


class Reports:
    """Translates reports for one app: knows its folders, and where it stands when all else fails.

    `anchor` is where a problem goes that no line of the person's own code is to blame for.
    """

    def __init__(self, places: Places, roots: tuple[Path, ...], anchor: Callable[[], Spot]) -> None:
        self._places = places
        self._roots = tuple(Path(os.path.realpath(root)) for root in roots)
        self._anchor = anchor

    def is_own(self, frame: Frame) -> bool:
        """Whether a frame is in the person's own code."""
        return os.path.isabs(frame.file) and is_own(Path(frame.file), self._roots)

    def spot(self, report: Report) -> Spot:
        """The innermost frame of the person's own code, in the exception or in what caused it."""
        frame = self.innermost(report)
        return self._anchor() if frame is None else self._spot(frame)

    def innermost(self, report: Report) -> Frame | None:
        """The frame that a problem stands on; None where no own code took part."""
        for frames in (report.frames, *(cause.frames for cause in report.causes)):
            for frame in reversed(frames):
                if self.is_own(frame):
                    return frame
        return None

    def diagnostic(
        self, report: Report, explained: Explained, data: object, related: bool
    ) -> tuple[Spot, Diagnostic]:
        """The problem, and where it stands."""
        spot = self.spot(report)
        return spot, Diagnostic(
            range=spot.range,
            message=explained.headline,
            severity=DiagnosticSeverity.Error,
            source="hotplate",
            code=explained.type,
            related_information=self._related(report, spot) if related else None,
            data=data,
        )

    def _related(self, report: Report, spot: Spot) -> list[DiagnosticRelatedInformation] | None:
        """The other frames, innermost first, then the causes with theirs."""
        shown: list[tuple[Spot, str]] = []
        for frame in reversed(report.frames):
            if os.path.isabs(frame.file):
                place = self._spot(frame)
                if place != spot:
                    shown.append((place, f"in {frame.function}" if frame.function else "here"))
        for cause in report.causes:
            text = cut(
                f"{_RELATIONS.get(cause.relation, '')}{short(cause.type)}: {cause.message}", 500
            )
            for frame in reversed(cause.frames):
                if os.path.isabs(frame.file):
                    shown.append((self._spot(frame), text))
                    text = f"in {frame.function}" if frame.function else "here"
        return [
            DiagnosticRelatedInformation(Location(place.uri, place.range), message)
            for place, message in shown[:MOST_RELATED]
        ] or None

    def traceback(
        self, app: str, generation: int, id_: str, when: str, report: Report, explained: Explained
    ) -> protocol.TracebackParams:
        """The report as `hotplate/traceback` has it."""
        return protocol.TracebackParams(
            app=app,
            generation=generation,
            id=id_,
            when=when,
            type=explained.type,
            message=explained.message,
            text=report.text,
            frames=[self._frame(frame) for frame in report.frames],
            causes=[
                protocol.TracebackCause(
                    short(cause.type),
                    cause.message,
                    cause.relation,
                    [self._frame(frame) for frame in cause.frames],
                )
                for cause in report.causes
            ]
            or None,
        )

    def _frame(self, frame: Frame) -> protocol.TracebackFrame:
        spot = self._spot(frame)
        return protocol.TracebackFrame(
            uri=spot.uri,
            range=spot.range,
            function=frame.function,
            code=frame.source.strip(),
            in_workspace=self.is_own(frame),
        )

    def _spot(self, frame: Frame) -> Spot:
        # What is no file (`<string>`) has no URI; it must not look like a file of the folder.
        uri = self._places.uri(frame.file) if os.path.isabs(frame.file) else f"python:{frame.file}"
        if frame.source or not os.path.isabs(frame.file):
            return Spot(uri, self._places.range(frame))
        return Spot(uri, in_units(self._places, frame.file, max(frame.line - 1, 0)))


_RELATIONS = {
    "cause": "caused by ",
    "context": "raised while handling ",
    "group": "one of the group: ",
    "caught": "caught by the app before: ",
}
