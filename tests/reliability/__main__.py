"""`./dev storm | load | soak`: what takes too long for the suite, by hand, with its figures."""

from __future__ import annotations

import random
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from reliability import load as loading
from reliability import soak as soaking
from reliability import storm as storming
from reliability.workplace import Workplace


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Prove the promises where they are hardest to keep. The exit code is 1 where one is broken."""
    # So that nothing stays in the folder for temporary files, however this is ended.
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda number, frame: sys.exit(128 + number))


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


@main.command()
@click.option("--restarts", type=click.IntRange(1), default=1000, show_default=True)
def load(restarts: int) -> None:
    """Restarts while 16 clients ask without a pause, and 4 listen slowly."""
    with TemporaryDirectory(prefix="hotplate-load-") as name:
        folder = Path(name).resolve() / "shop"
        loading.lay_out(folder)
        with Workplace(folder, drainSeconds=loading.DRAIN) as place:
            place.until_state("running")
            pressed = loading.Load(place)
            pressed.press(restarts, _say)
            place.at_rest()
    if set(+pressed.counts) != {"answers", "streams"}:
        sys.exit(1)


@main.command()
@click.option("--hours", type=click.FloatRange(0), default=1, show_default=True)
@click.option("--seed", type=int, help="Of the first round; printed where it is not given.")
@click.option("--sequences", type=click.IntRange(1), default=50, show_default=True, help="A round.")
def storm(hours: float, seed: int | None, sequences: int) -> None:
    """Anything in any order, until the time is over. Each round has a seed and a new server.

    Every other round runs a script whose requests have processes of their own.
    """
    deadline = time.monotonic() + hours * 3600
    number = seed if seed is not None else random.randrange(10**6)
    while True:
        workers = number % 2 == 1
        began = time.monotonic()
        _say(f"./dev storm --hours 0 --seed {number} --sequences {sequences}")
        played = storming.play(number, sequences, workers)
        took = time.monotonic() - began
        _say(f"  {played.sequences} sequences, {played.events} events, {took:.0f} s: all well")
        if time.monotonic() >= deadline:
            return
        number += 1


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
