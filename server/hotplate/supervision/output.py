"""What the app prints: whole lines, in the order in which they came."""

from __future__ import annotations

import codecs

LONGEST = 64 * 1024
"""Characters after which a line without an end is passed on all the same."""


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
            end = len(text)
        self._rest = text[end:]
        return text[:end]

    def end(self) -> str:
        """What is left without a line's end, once the stream has ended."""
        rest, self._rest = self._rest + self._decoder.decode(b"", True), ""
        return rest + "\n" if rest else ""
