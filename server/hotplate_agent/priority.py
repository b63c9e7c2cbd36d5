"""To take second place for a while, by means that can be undone without being root."""

import os
import sys
from contextlib import contextmanager
from typing import Iterator

_DARWIN_PROCESS, _DARWIN_BACKGROUND = 4, 0x1000  # <sys/resource.h>; in `os` since Python 3.12


@contextmanager
def lowered() -> Iterator[None]:
    """Leave the processor to others: to what serves the app, and to the editor.

    A raised nice value can't be lowered again by a user, so it is the scheduling policy. With
    SCHED_BATCH a process does not push aside one that wakes up
    (https://man7.org/linux/man-pages/man7/sched.7.html).
    """
    _set(low=True)
    try:
        yield
    finally:
        _set(low=False)


def _set(low: bool) -> None:
    try:
        if sys.platform == "darwin":
            os.setpriority(_DARWIN_PROCESS, 0, _DARWIN_BACKGROUND if low else 0)
        elif hasattr(os, "sched_setscheduler"):
            policy = os.SCHED_BATCH if low else os.SCHED_OTHER
            os.sched_setscheduler(0, policy, os.sched_param(0))
    except OSError:
        pass  # a container may forbid it
