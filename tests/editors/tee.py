"""Between an editor and its language server: keeps what the editor says, a message a line.

python tee.py LOG COMMAND...
"""

from __future__ import annotations

import subprocess
import sys
from typing import BinaryIO


def main() -> int:
    log, command = sys.argv[1], sys.argv[2:]
    server = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert server.stdin is not None
    with open(log, "wb", buffering=0) as kept, server.stdin as there:
        while (message := _read(sys.stdin.buffer)) is not None:
            head, body = message
            kept.write(body.replace(b"\n", b" ") + b"\n")
            there.write(head + body)
            there.flush()
    return server.wait()


def _read(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """The next message: its head and its body. None at the end."""
    head, length = b"", 0
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        head += line
    return head, stream.read(length)


if __name__ == "__main__":
    sys.exit(main())
