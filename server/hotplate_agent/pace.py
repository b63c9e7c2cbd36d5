"""How many exceptions are told one by one.

A view that raises a thousand times a second has one thing to say. Each of the first is told in
full; later ones as fast as a person could look at them; the others are counted.
"""

import time
from typing import Dict, Tuple

BURST = 20
RATE = 5.0
"""How many of a kind are told at once, and how many a second from then on."""
KINDS = 1000


class Pace:
    """Says of each whether it is to be told.

    Without a lock: two threads may take one for the other's, and a process that is forked just
    then would never get it.
    """

    def __init__(self) -> None:
        self._left: Dict[str, Tuple[float, float]] = {}

    def allows(self, kind: str) -> bool:
        """Whether one more of this kind is told."""
        now = time.monotonic()
        left, at = self._left.get(kind, (float(BURST), now))
        left = min(float(BURST), left + (now - at) * RATE)
        if len(self._left) > KINDS:
            self._left.clear()
        self._left[kind] = (max(0.0, left - 1.0), now)
        return left >= 1.0
