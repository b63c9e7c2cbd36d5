"""The belt to the braces that are the reader thread: the kernel ends us when the server is gone.

While C code holds the interpreter's lock (a regular expression that backtracks for ever), no
thread of Python's can see that the channel has closed. Linux can be asked to send a signal, to a
whole process group, when something happens to a descriptor. Nothing is ever written into the
lifeline; what happens to it is that its other end closes. Elsewhere the thread has to do.

An app that has started processes of its own must not be killed so: what has left its group could
not be found any more. Its lifeline is loosened, the thread ends the family, and the server has a
guard that does so where the thread can't (`guard` in the server).
"""

import fcntl
import os
import signal
import sys

from hotplate_agent import family

FAMILY_SECONDS = 0.8
"""What the end of an app's family may take. It takes milliseconds."""
_leave, _killpg, _take_turns = os._exit, os.killpg, sys.setswitchinterval
_SHORT_TURNS = 1e-5
"""Seconds. To look at one process takes three turns at the interpreter, and an app in a loop has it
for 5 ms in between."""


def fasten(descriptor: int) -> None:
    """Have the process group killed once nobody holds the pipe's other end."""
    os.set_inheritable(descriptor, False)
    if os.getpgrp() == os.getpid():
        fasten_to(descriptor, os.getpgrp())


def fasten_to(descriptor: int, group: int) -> None:
    """The same for another group, one of whose processes holds the descriptor."""
    if not hasattr(fcntl, "F_SETSIG"):
        return
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, -group)
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)


def loosen(descriptor: int) -> None:
    """Let the kernel do nothing any more."""
    try:
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~os.O_ASYNC)
    except (OSError, AttributeError):  # the app has closed it; a system without O_ASYNC
        pass


def end_all() -> None:
    """The server is gone: so is everything that it has started."""
    try:
        _take_turns(_SHORT_TURNS)
        family.make_room()
        family.end_below(os.getpid(), FAMILY_SECONDS)
    finally:
        if os.getpgrp() == os.getpid():
            _killpg(os.getpid(), signal.SIGKILL)
        _leave(1)
