"""The process that `guard` runs: `python -I -S …/watchman.py`, told of agents on its input.

A message is the number of an agent's process. With a descriptor beside it, the agent has a family,
and has just begun to add to it; without one, it has ended. The end of the input is the end of the
language server: whoever is left then is killed.

The descriptor is the other end of the agent's lifeline. So the kernel, which would not find all,
is not the first.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from hotplate_agent import family

LOOKS = (0.05, 0.5, 3.0)
"""Seconds after a word of an agent's family at which its members are noted: who makes itself a
daemon takes a moment, and if the agent is killed no later than the server, nobody could tell any
more where it has come from."""
END_SECONDS = 2.0


class Ward:
    """An agent, and its family as it was last seen."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._seen: dict[int, int] = {}
        leader = family.member(pid)
        if leader is not None:
            self._seen[pid] = leader.born

    def look(self, people: list[family.Member]) -> None:
        """Note who belongs to it."""
        self._seen = {one.pid: one.born for one in self.clan(people)}

    def clan(self, people: list[family.Member]) -> list[family.Member]:
        """Who is known, or stands in its session or group; and all below them.

        A number that was given anew is no member.
        """
        if any(one.pid == self.pid and self._seen.get(one.pid) != one.born for one in people):
            of_group = set()
        else:
            of_group = {one.pid for one in people if self.pid in (one.session, one.group)}
        known = {one.pid for one in people if self._seen.get(one.pid) == one.born}
        roots = known | of_group
        alive = [one for one in people if one.pid in roots and one.state not in ("Z", "X")]
        return alive + family.below(roots, people)


class Watchman:
    """Keeps the wards, until the input ends."""

    def __init__(self) -> None:
        self._line = socket.socket(fileno=0)
        self._wards: dict[int, Ward] = {}
        self._lifelines: dict[int, int] = {}
        self._looks: list[float] = []

    def run(self) -> None:
        while True:
            timeout = max(0.0, self._looks[0] - time.monotonic()) if self._looks else None
            if select.select([self._line], [], [], timeout)[0]:
                data, descriptors, _, _ = socket.recv_fds(self._line, 4, 4)
                if not data:
                    break
                self._told(int.from_bytes(data, "big"), descriptors)
            else:
                del self._looks[0]
                people = family.everybody()
                for ward in self._wards.values():
                    ward.look(people)
        self._end()

    def _told(self, pid: int, descriptors: list[int]) -> None:
        if not descriptors:
            self._wards.pop(pid, None)
            lifeline = self._lifelines.pop(pid, None)
            if lifeline is not None:
                os.close(lifeline)
            return
        for descriptor in descriptors:
            if pid in self._lifelines:
                os.close(descriptor)
            else:
                self._lifelines[pid] = descriptor
        if pid not in self._wards:
            self._wards[pid] = Ward(pid)
        now = time.monotonic()
        self._looks = [now + seconds for seconds in LOOKS]

    def _end(self) -> None:
        wards = self._wards.values()
        family.end(
            lambda people: list({one for ward in wards for one in ward.clan(people)}), END_SECONDS
        )


if __name__ == "__main__":
    Watchman().run()
