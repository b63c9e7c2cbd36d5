"""Programs that the tests of the Neovim client need, beside Neovim: found, or installed."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.environments import CACHE

APT_SECONDS = 100
GIT_SECONDS = 20
NPM_SECONDS = 100


@functools.cache
def debian_command(name: str, package: str) -> str:
    """The path of a command, from Debian's package where it is missing. Skips the test where it
    can't be had."""
    found = shutil.which(name)
    if found is None:
        _apt_get(name, package)
        found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name}: Debian's package {package} brings no such command")
    return found


def git(folder: Path, *words: str) -> None:
    """Run git in a folder, as somebody."""
    identity = ["-c", "user.name=Person", "-c", "user.email=person@example.org"]
    _run([debian_command("git", "git"), *identity, *words], GIT_SECONDS, folder)


def npm_packages(lock: Path) -> Path:
    """The node_modules of a folder with a package-lock.json, laid into the cache. Skips the test
    where there is no npm."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip(f"{lock.name}: no Node with npm on this machine")
    folder = CACHE.parent / "npm" / lock.name
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (lock / "package-lock.json").read_text()
    stamp = folder / "laid"
    with open(folder / "lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # another test process may be at it
        if not stamp.exists() or stamp.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(lock / name, folder)
            _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], NPM_SECONDS, folder)
            stamp.write_text(wanted)
    return folder / "node_modules"


def _apt_get(name: str, package: str) -> None:
    if shutil.which("apt-get") is None:
        pytest.skip(f"{name} is not on this machine, and there is no apt-get to install it with")
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        command = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *words]
        try:
            _run([*command, "-o", "DPkg::Lock::Timeout=60"], APT_SECONDS)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"{name}: Debian's package {package} could not be installed: {error}")


def _run(command: list[str], seconds: float, folder: Path | None = None) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        cwd=folder,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
