"""The belt to the braces that are the reader thread: the kernel ends us when the server is gone.

While C code holds the interpreter's lock (a regular expression that backtracks for ever), no
thread of Python's can see that the channel has closed. Linux can be asked to send a signal, to a
whole process group, when something happens to a descriptor. Nothing is ever written into the
lifeline; what happens to it is that its other end closes. Elsewhere the thread has to do.
"""

import fcntl
import os
import signal

_leave = os._exit


def fasten(descriptor: int) -> None:
    """Have the process group killed once nobody holds the pipe's other end."""
    os.set_inheritable(descriptor, False)
    if not hasattr(fcntl, "F_SETSIG") or os.getpgrp() != os.getpid():
        return
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)


def end_all() -> None:
    """The server is gone: so is everything that it has started."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    _leave(1)
