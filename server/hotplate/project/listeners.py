"""The process that listens on a port, as the system tells it: Linux's /proc, or `lsof`."""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from hotplate.project.commands import CommandFailed, ask

_LISTENING = "0A"


@frozen
class Owner:
    """Who listens. On a process of another user, the system gives no more than that user."""

    pid: int | None
    name: str | None = None
    command: tuple[str, ...] = ()
    cwd: Path | None = None
    user: str | None = None


def from_proc(port: int, host: str, seconds: float, proc: Path = Path("/proc")) -> Owner | None:
    """By Linux's tables of sockets, then by looking for the socket among the processes' files."""
    until = time.monotonic() + seconds
    wanted = _addresses(host)
    best: tuple[int, str, int] | None = None  # how near, inode, uid
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for address, inode, uid in _listeners(proc / "net" / table, family, port):
            # One that has the very address stands in the way more than one that has them all.
            near = 2 if address in wanted else 1 if address.is_unspecified or not wanted else 0
            if near and (best is None or near > best[0]):
                best = near, inode, uid
    if best is None:
        return None
    link = f"socket:[{best[1]}]"
    for process in _processes(proc):
        if time.monotonic() > until:
            break
        if _has_open(process, link):
            return _describe_process(process)
    return Owner(None, user=_user(best[2]))


def from_lsof(port: int, seconds: float, lsof: str = "lsof") -> Owner | None:
    """By `lsof`, which macOS has from the start."""
    until = time.monotonic() + seconds

    def run(*command: str) -> str:
        try:
            return ask(command, max(until - time.monotonic(), 0.1)).stdout
        except CommandFailed:
            return ""

    listening = run(lsof, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpcn")
    pid, name = (_field(listening, letter) for letter in "pc")
    if not pid or not pid.isdecimal():
        return None
    cwd = _field(run(lsof, "-a", "-p", pid, "-d", "cwd", "-Fn"), "n")
    # `ps` gives the arguments with spaces between, and no way to tell those within.
    command = tuple(run("ps", "-ww", "-o", "command=", "-p", pid).split())
    return Owner(int(pid), name, command, Path(cwd) if cwd else None)


def parent_of(pid: int) -> int | None:
    """The process that has started this one, or that looks after it since."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        parent = int(fields[1])
    except (OSError, ValueError, IndexError):
        told = _ps(pid, "ppid")
        parent = int(told) if told.isdecimal() else 0
    return parent if parent > 1 else None


def name_of(pid: int) -> str | None:
    """What a process is called."""
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip() or None
    except OSError:
        return Path(_ps(pid, "comm")).name or None


def _ps(pid: int, what: str) -> str:
    if sys.platform == "linux":
        return ""  # it has no more than /proc
    try:
        return ask(("ps", "-ww", "-o", f"{what}=", "-p", str(pid)), 1.0).stdout.strip()
    except CommandFailed:
        return ""


def _field(output: str, letter: str) -> str | None:
    found = re.search(rf"^{letter}(.+)$", output, re.M)
    return found[1] if found else None


def _addresses(host: str) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """What the name means, by what is known without asking a name server; empty: anything."""
    if host == "localhost":
        return {ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")}
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return set()
    return set() if address.is_unspecified else {address}


def _listeners(
    table: Path, family: int, port: int
) -> Iterator[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, str, int]]:
    try:
        lines = table.read_text("ascii", "replace").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _LISTENING:
            continue
        address, _, number = fields[1].partition(":")
        if int(number, 16) == port:
            # The kernel prints its 32-bit words in the machine's own order.
            words = (int(address[i : i + 8], 16) for i in range(0, len(address), 8))
            packed = b"".join(struct.pack("=I", word) for word in words)
            listens_on = ipaddress.ip_address(socket.inet_ntop(family, packed))
            mapped = getattr(listens_on, "ipv4_mapped", None)
            yield mapped or listens_on, fields[9], int(fields[7])


def _processes(proc: Path) -> Iterator[Path]:
    try:
        processes = [entry for entry in proc.iterdir() if entry.name.isdecimal()]
    except OSError:
        return
    # The latest first: likelier to be a server that somebody has just started.
    yield from sorted(processes, key=lambda entry: int(entry.name), reverse=True)


def _has_open(process: Path, link: str) -> bool:
    try:
        return any(_readlink(file) == link for file in (process / "fd").iterdir())
    except OSError:
        return False  # another user's, or just gone


def _readlink(path: Path) -> str | None:
    try:
        return str(path.readlink())
    except OSError:
        return None


def _describe_process(process: Path) -> Owner:
    def read(name: str) -> str:
        try:
            return (process / name).read_bytes().decode("utf-8", "replace")
        except OSError:
            return ""

    command = tuple(part for part in read("cmdline").split("\0") if part)
    cwd = _readlink(process / "cwd")
    name = read("comm").strip() or None
    return Owner(int(process.name), name, command, Path(cwd) if cwd else None)


def _user(uid: int) -> str | None:
    if sys.platform == "win32":
        return None
    import pwd  # which only POSIX has

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None
