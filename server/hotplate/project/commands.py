"""Asking another program something, without trusting it to answer or to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from hotplate.supervision import orphans
from hotplate_agent.lifeline import fasten_to


class CommandFailed(Exception):
    """It could not be run, or did not end in time; the text says which."""


@frozen
class Answer:
    """What a program that ended has to say."""

    code: int
    stdout: str
    stderr: str


def ask(
    command: Sequence[str],
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Answer:
    """Run it to its end, or for `timeout` seconds and no longer; then nothing of it is left."""
    end, lifeline = os.pipe()
    try:
        with orphans.birth():
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                cwd=cwd,
                # A group of its own, so that what it started can be ended with it.
                start_new_session=True,
                pass_fds=(end,),
            )
            orphans.ours.add(process.pid)
        fasten_to(end, process.pid)  # should we be killed: nothing is ever written into it
    except (OSError, ValueError) as error:
        os.close(lifeline)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CommandFailed(f"{command[0]} cannot be run: {reason}") from None
    finally:
        os.close(end)
    try:
        with process:
            try:
                stdout, stderr = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                _end(process)
                raise CommandFailed(
                    f"{Path(command[0]).name} did not answer within {timeout:g} s"
                ) from None
            except BaseException:
                _end(process)
                raise
    finally:
        os.close(lifeline)
        orphans.ours.discard(process.pid)
    return Answer(
        process.returncode, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        pass  # it has just ended by itself
