"""A server that permissions bind. They do not bind root, as whom tests run in many a container."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from support.session import SERVER

POWERLESS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
"""Root without capabilities is bound by a file's bits, and may use no port below 1024."""


def bound_server() -> list[str]:
    """The command line of a server, whoever we are."""
    command = ["env", f"PYTHONPATH={SERVER}", sys.executable, "-m", "hotplate", "lsp"]
    if os.geteuid() != 0:
        return command
    if shutil.which(POWERLESS[0]) is None:
        pytest.skip("permissions do not bind root, and there is no setpriv to change that")
    return [*POWERLESS, *command]


def lowest_port() -> int:
    """The first port that anybody may use."""
    lowest = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return int(lowest.read_text()) if lowest.exists() else 1024
