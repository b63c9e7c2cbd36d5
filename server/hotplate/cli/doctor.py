"""`hotplate doctor`: what the server would find in a folder, and what stands in the way."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hotplate.cli.doctor_examine import examine
from hotplate.cli.doctor_page import print_findings
from hotplate.cli.terminal import Terminal
from hotplate.lsp.protocol import to_json


def run_doctor(folder: Path, as_json: bool) -> int:
    """Print what was found; the exit code is 1 where something stands in the way."""
    found = examine(folder)
    if as_json:
        click.echo(json.dumps(to_json(found), indent=2))
    else:
        print_findings(Terminal(), found)
    return 0 if found.could_start else 1
