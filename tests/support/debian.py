"""Programs that a test drives and Debian has: installed once, or the test is skipped by name."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

_APT = ("apt-get", "--yes", "--quiet=2", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300")


def need(what: str, present: Callable[[], bool], *packages: str) -> None:
    """Come back where `present()`, after installing Debian's packages if need be.

    Else the test is skipped, and says why. Where CI is set and there is Debian, it fails.
    """
    if present():
        return
    trouble = _install(packages)
    if trouble is None and present():
        return
    reason = f"no {what} here (Debian: {' '.join(packages)}): {trouble or 'still not found'}"
    if os.environ.get("CI") and shutil.which("apt-get"):
        pytest.fail(reason)
    pytest.skip(reason)


def version(package: str) -> str:
    """Of what is installed, as its makers count: without Debian's epoch and revision.

    The program may have come from elsewhere, and the machine need not be Debian's."""
    command = ("dpkg-query", "--show", "--showformat=${Version}", package)
    try:
        whole = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        whole = ""
    return re.split(r"[-+~]", whole.rpartition(":")[2])[0] or "not Debian's"


@functools.cache
def _install(packages: tuple[str, ...]) -> str | None:
    """Install, as root or by a sudo that asks nothing; what stood in the way."""
    trouble = _updated()
    if trouble is None:
        print(f"There is no {packages[0]}: installing {' '.join(packages)} with apt-get.")
        trouble = _as_root(*_APT, "install", *packages)
    return trouble


@functools.cache
def _updated() -> str | None:
    if shutil.which("apt-get") is None:
        return "there is no apt-get"
    return _as_root(*_APT, "update")


def _as_root(*command: str) -> str | None:
    """Run a command as root; the end of what it said where it has failed."""
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            return "installing needs root, and there is no sudo"
        command = ("sudo", "--non-interactive", *command)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return None if done.returncode == 0 else done.stdout.decode(errors="replace")[-500:].strip()
