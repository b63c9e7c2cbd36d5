"""Programs that the tests of the Neovim client need, beside Neovim: found, or installed."""

from __future__ import annotations

import fcntl
import functools
import shutil
import subprocess
from pathlib import Path

import pytest

from support.debian import need
from support.environments import CACHE

GIT_SECONDS = 20
NPM_SECONDS = 100


@functools.cache
def debian_command(name: str, package: str) -> str:
    """The path of a command, from Debian's package where it is missing. Skips the test where it
    can't be had."""
    need(name, lambda: shutil.which(name) is not None, package)
    found = shutil.which(name)
    assert found is not None
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
