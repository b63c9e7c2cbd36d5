"""What the processes of requests have to tell (`app.run(processes=4)`).

Werkzeug forks one for each request, and the line to the server is not theirs: they tell the
process that serves, and that one the server. Each message comes through a pipe of its own, whose
end is sent ahead, so it may be of any length, and one that a kill cuts off harms no other.
"""

import os
from _socket import AF_UNIX, SOCK_DGRAM, socketpair  # C's own: gevent has another `socket`
from _thread import start_new_thread  # bound now: gevent has one that starts greenlets
from typing import Any, Callable, Optional

from hotplate_agent.channel import LOST, Decoder, encode, receive, rights
from hotplate_agent.messages import Untold


class Workers:
    """Tells the server, from the process that serves and from those that it forks."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send
        self._theirs: Optional[Any] = None
        self._pid = 0

    def begin(self, heard: Callable[[Any], None]) -> None:
        """This process serves, and forks: `heard` is called with what the others tell."""
        ours, self._theirs = socketpair(AF_UNIX, SOCK_DGRAM)
        self._pid = os.getpid()
        start_new_thread(self._listen, (ours, heard))

    def tell(self, message: Any) -> None:
        """Tell the server. Silent where nobody hears it."""
        if self._theirs is None or os.getpid() == self._pid:
            self._send(message)
            return
        try:
            self._pass_on(encode(message))
        except OSError:  # who serves has ended, or no descriptor is left
            pass

    def _pass_on(self, data: bytes) -> None:
        assert self._theirs is not None
        read, write = os.pipe()
        with os.fdopen(write, "wb", 0) as pipe:
            try:
                self._theirs.sendmsg([b"\0"], rights(read))
            finally:
                os.close(read)
            while data:
                data = data[pipe.write(data) :]

    def _listen(self, ours: Any, heard: Callable[[Any], None]) -> None:
        while True:
            _, descriptors = receive(ours)
            for descriptor in descriptors:
                if descriptor == LOST:
                    heard(Untold())
                    continue
                with os.fdopen(descriptor, "rb") as pipe:
                    data = pipe.read()
                for message, _ in Decoder().feed(data, []):
                    heard(message)
