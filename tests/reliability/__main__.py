"""`./dev storm | load | soak`: what takes too long for the suite, by hand, with its figures."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from reliability import soak as soaking
from reliability.workplace import Workplace


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Prove the promises where they are hardest to keep. The exit code is 1 where one is broken."""


@main.command()
@click.option("--restarts", type=click.IntRange(0), default=5000, show_default=True)
@click.option("--idle", "minutes", type=click.FloatRange(0), default=0, help="Minutes, afterwards.")
def soak(restarts: int, minutes: float) -> None:
    """Thousands of restarts in one session: what the server holds stays the same."""
    with TemporaryDirectory(prefix="hotplate-soak-") as name:
        folder = Path(name).resolve() / "shop"
        soaking.lay_out(folder)
        with Workplace(folder, **soaking.SETTINGS) as place:
            if restarts:
                print(soaking.HEAD, flush=True)
                every = max(1, restarts // 10)
                samples = soaking.soak(place, restarts, every, _say)
                if grown := soaking.grown(samples, every):
                    sys.exit(f"These are not what they were: {', '.join(grown)}.")
            if minutes:
                place.until_state("running")
                began = time.monotonic()
                found = soaking.idle(place, minutes * 60)
                print(f"idle for {(time.monotonic() - began) / 60:.1f} min:", flush=True)
                for each in found:
                    print(
                        f"  {each.name:8} {each.ticks:4} ticks of CPU, {each.wakeups:5} wake-ups,"
                        f" {each.kib:+} KiB"
                    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
