"""What the app prints: whole lines, in the order in which they came."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable

from hotplate.supervision.secrets import begun, redact

LONGEST = 64 * 1024
"""Characters after which a line without an end is passed on all the same."""
UNTOLD_SECONDS = 1.0


class Lines:
    """Cuts one stream into whole lines, whatever bytes it is made of."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> str:
        """The whole lines that are now complete, as one text."""
        text = self._rest + self._decoder.decode(data)
        end = text.rfind("\n") + 1
        if not end and len(text) > LONGEST:
            text = redact(text)  # before it is cut; the beginning of a secret waits for the rest
            end = len(text) - begun(text)
        self._rest = text[end:]
        return text[:end]

    def end(self) -> str:
        """What is left without a line's end, once the stream has ended."""
        rest, self._rest = self._rest + self._decoder.decode(b"", True), ""
        return rest + "\n" if rest else ""


class Output:
    """What the processes of one app print, passed on to `tell(generation, stream, text)`."""

    def __init__(self, tell: Callable[[int, str, str], None]) -> None:
        self._tell = tell
        self._lines: dict[tuple[int, str], Lines] = {}

    def feed(self, generation: int, stream: str, data: bytes) -> None:
        """A process has printed something."""
        lines = self._lines.setdefault((generation, stream), Lines())
        self._pass_on(generation, stream, lines.feed(data))

    def end(self, generation: int) -> None:
        """It has ended, and what it left without a line's end is told."""
        for stream in ("stdout", "stderr"):
            lines = self._lines.pop((generation, stream), None)
            if lines is not None:
                self._pass_on(generation, stream, lines.end())

    def _pass_on(self, generation: int, stream: str, text: str) -> None:
        if text:
            self._tell(generation, stream, text)


class Untold:
    """Counts the exceptions that an app does not tell one by one; says how many, once a second."""

    def __init__(self, tell: Callable[[int, str, str], None]) -> None:
        self._tell = tell
        self._counts: dict[int, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def count(self, generation: int) -> None:
        """There was one more."""
        self._counts[generation] = self._counts.get(generation, 0) + 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(UNTOLD_SECONDS, self.say)

    def say(self) -> None:
        """Say how many there were."""
        self.close()
        counts, self._counts = self._counts, {}
        for generation, count in counts.items():
            more = "1 more exception" if count == 1 else f"{count} more exceptions"
            text = f"Hotplate: {more} of the kind told before; there are too many for each.\n"
            self._tell(generation, "stderr", text)

    def close(self) -> None:
        """Say no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
