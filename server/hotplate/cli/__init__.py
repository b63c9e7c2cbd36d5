"""The command line: `hotplate lsp`, `hotplate demo`, `hotplate doctor`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from hotplate import __version__

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hotplate")
def main() -> None:
    """A language server that runs your Flask app: each save is live at once."""


@main.command()
@click.option("--stdio", is_flag=True, help="Accepted because editors pass it; there is no other.")
@click.option(
    "--log-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="HOTPLATE_LOG_FILE",
    show_envvar=True,
    help="Log to a file, of 2 MB at most.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
def lsp(stdio: bool, log_file: Path | None, verbose: bool) -> None:
    """Speak LSP on standard input and output."""
    from hotplate.cli.logs import configure
    from hotplate.lsp.serve import serve

    configure(log_file, verbose)
    sys.exit(serve())


@main.command()
@click.option("--interpreter", metavar="PYTHON", help="A Python that has Flask.")
@click.option("--keep", is_flag=True, help="Keep the copy of the example app.")
def demo(interpreter: str | None, keep: bool) -> None:
    """Show the main job: a real session with an example app, told and timed."""
    from hotplate.cli.demo import run_demo

    sys.exit(run_demo(interpreter, keep))


@main.command()
@click.argument(
    "folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def doctor(folder: Path, as_json: bool) -> None:
    """Print what was found in FOLDER: interpreter, Flask, app, port, and what stands in the way."""
    from hotplate.cli.doctor import run_doctor

    sys.exit(run_doctor(Path(os.path.abspath(folder)), as_json))
