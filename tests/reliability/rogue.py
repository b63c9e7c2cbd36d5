"""An "interpreter" that speaks to the server in an agent's place, and not well.

It is run as a Python is: `rogue.py AGENT CHANNEL BOX LIFELINE`. It says a few hundred things that
can be understood and make no sense, and at last, mostly, one that is no message at all.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sys
from pathlib import Path

from hotplate_agent import messages as m
from hotplate_agent.channel import Decoder, ProtocolError, rights
from reliability.agent_corpus import FROM_AGENT, wire
from reliability.mutate import mutate

SENTENCES = 1000
WITH_DESCRIPTOR = {"Handover", "Grant", "Connection", "Fork", "Take"}


def understood(data: bytes) -> bool:
    decoder = Decoder()
    try:
        list(decoder.feed(data, [0]))
    except ProtocolError:
        return False
    return True


def main() -> None:
    count = Path(os.environ["ROGUE_COUNT"])
    chance = random.Random(os.environ["ROGUE_SEED"] + str(count.stat().st_size))
    with count.open("ab") as file:
        file.write(b"x" * SENTENCES)
    channel = socket.socket(fileno=int(sys.argv[2]))
    samples = wire(*FROM_AGENT)
    channel.sendall(frame(m.to_wire(m.Booted(os.getpid(), "3.11", sys.executable))))
    ends: list[socket.socket] = []
    last = b""
    for _ in range(SENTENCES):
        message = chance.choice(samples)
        if chance.random() < 0.8:
            message = mutate(chance, message, keep=("type",))
        data = frame(message)
        if not understood(data):
            last = data
            continue
        beside = []
        if message.get("type") in WITH_DESCRIPTOR:
            ends = list(socket.socketpair())
            beside = rights(ends[0].fileno())
        sent = channel.sendmsg([data], beside)
        channel.sendall(data[sent:])
        for end in ends:
            end.close()
        ends = []
    if chance.random() < 0.7 and last:
        channel.sendall(last)
    while channel.recv(65536):  # until the server has had enough
        pass


def frame(message: object) -> bytes:
    body = json.dumps(message).encode()
    return len(body).to_bytes(4, "big") + body


if __name__ == "__main__":
    try:
        main()
    except OSError:
        pass
