"""What ties a process to the server: its channel, its black box, its lifeline, its output."""

import os
from typing import Optional

from hotplate_agent import lifeline
from hotplate_agent.blackbox import BlackBox
from hotplate_agent.channel import Channel
from hotplate_agent.messages import Take


class Line:
    """What ties a process to the server. A copy gets one of its own."""

    def __init__(self, channel: Channel, box: BlackBox) -> None:
        self.channel = channel
        self.box = box
        self._lifeline: Optional[int] = None

    def fasten(self, descriptor: int) -> None:
        """Be ended when the server has gone."""
        self._lifeline = descriptor
        lifeline.fasten(descriptor)

    def loosen(self) -> None:
        """The app is about to have a family: see `lifeline`."""
        if self._lifeline is not None:
            lifeline.loosen(self._lifeline)

    def move(self, channel: Channel) -> None:
        """In a copy: let go of the original's, and take what the server sends. Raises EOFError."""
        self.channel.close()
        if self._lifeline is not None:
            os.close(self._lifeline)
        self.channel = channel
        os.setsid()
        for _ in range(4):
            order, descriptor = channel.receive()
            assert isinstance(order, Take) and descriptor is not None
            if order.role == "box":
                self.box.move(descriptor)
            elif order.role == "lifeline":
                self.fasten(descriptor)
            else:
                os.dup2(descriptor, 1 if order.role == "stdout" else 2)
                os.close(descriptor)
