"""The command itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import hotplate

from .conftest import Run


def test_version(run: Run) -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout == f"hotplate, version {hotplate.__version__}\n"


def test_help_names_the_commands(run: Run) -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("lsp", "demo", "doctor"):
        assert command in done.stdout


def test_an_unknown_command_is_told_by_name(run: Run) -> None:
    done = run("serve")
    assert done.returncode == 2
    assert "serve" in done.stderr


def test_console_script() -> None:
    script = Path(sys.executable).parent / "hotplate"
    if not script.exists():
        pytest.skip("Hotplate is not installed beside this interpreter")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert hotplate.__version__ in done.stdout
