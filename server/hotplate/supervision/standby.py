"""The interpreter that waits beside the app, so that a restart need not import what it has.

It is made once a start has come to rest, told how far to go (`messages.Warm`), and is of use to
a start with the same orders, as long as nothing that it was made of has changed. A save that comes
while it still imports takes it as it is: it is on the way that a cold start would begin. A save
of `.env` never does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from hotplate.supervision import orphans
from hotplate.supervision.child import Child, Ears
from hotplate.supervision.plan import Plan
from hotplate.supervision.process import Line, Process, run
from hotplate_agent import messages as m
from hotplate_agent.channel import encode, rights

logger = logging.getLogger(__name__)

CALM = 0.1
"""Seconds after a start until the next standby is made: the first requests come first."""
FORK_SECONDS = 1.0
"""What a copy may take. It takes milliseconds."""
ATTEMPTS = 8
"""How many libraries in a row may turn out to be unfit before none is imported ahead."""
_FRAMEWORK = frozenset(
    ["flask", "werkzeug", "jinja2", "click", "itsdangerous", "markupsafe", "blinker"]
)


@attrs.define
class _Warm:
    """A standby and what is known of it. `inputs` is None until it is ready.

    `spare` is the copy for the next generation, there or on its way; `forking` are all that are
    on their way, in order.
    """

    child: Child
    plan: Plan
    roots: list[str]
    environment: dict[str, tuple[int, int] | None]
    """`.env` and its like as they were before it read them; None: not there."""
    folder: tuple[int, int] | None
    inputs: list[m.FileRead] | None = None
    forks: bool = False
    unfit: bool = False
    """It has said so, and is about to end."""
    spare: asyncio.Future[Child] | None = None
    forking: deque[tuple[Line, asyncio.Future[Child]]] = attrs.field(factory=deque)

    def made(self) -> Child | None:
        """The spare, once it is there."""
        spare = self.spare
        if spare is None or not spare.done() or spare.cancelled() or spare.exception():
            return None
        return spare.result()


class Standby:
    """Makes the standby of one app, gives it out, and throws it away."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._can_fork = orphans.adopt()
        self._warm: _Warm | None = None
        self._wanted: tuple[Plan, list[str]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._at_rest = False
        self._unfit: set[str] = set()
        self._spoilt = 0
        self._ending: set[Child] = set()

    # ------------------------------------------------------------ orders

    def learnt(self, plan: Plan, message: m.Learnt) -> None:
        """A start under this plan is at rest, and has imported these."""
        roots = self._fit(plan, message.roots)
        warm = self._warm
        if warm is None or not _same(warm.plan, plan):
            self._want(plan, roots)
        elif set(roots) <= set(warm.roots) and not message.unused:
            if message.whole:
                self._spoilt = 0
            self._rest()
        elif message.whole:
            self._want(plan, roots)
        else:  # it might have imported what there is
            self._rest()

    def hold(self) -> None:
        """A start begins: make nothing until it is at rest."""
        self._at_rest = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def retuned(self, plan: Plan) -> None:
        """The settings have changed, and the app runs on."""
        wanted = self._wanted
        if wanted is not None and not _same(wanted[0], plan):
            self._outdated()
            if plan.warmup != "off":
                self._want(plan, self._fit(plan, wanted[1]))

    def spoilt(self, message: m.Spoilt | m.Unfit) -> None:
        """A start that came from here could not be told from a cold one any longer, or has ended
        while it imported ahead."""
        if isinstance(message, m.Unfit):
            self._leave_out(message)
        else:
            logger.info("A standby was of no use: %s.", message.why)
            self._spoilt += 1
        self.discard()

    def discard(self) -> None:
        """Throw it away."""
        self.hold()
        self._wanted = None
        warm, self._warm = self._warm, None
        if warm is not None:
            self._end(warm.child)
            self._let_go(warm)

    def close(self) -> None:
        """Let go of everything, without waiting."""
        self.discard()
        for child in list(self._ending):
            child.close()
        self._ending.clear()

    async def take(self, plan: Plan, generation: int, ears: Ears) -> Child | None:
        """A process for a generation, which has said `Booted` or will; None if there is none."""
        self.hold()
        warm = self._warm
        if warm is None or warm.unfit:
            return None
        if not _same(warm.plan, plan) or not await self._loop.run_in_executor(None, _holds, warm):
            self._outdated()
            return None
        if warm is not self._warm or warm.unfit:
            return None  # it has ended meanwhile, or is about to
        if warm.forks:
            child = await self._copy_of(warm)
            if child is None:
                return None
        else:
            child, self._warm = warm.child, None
        child.generation, child.ears = generation, ears
        child.libraries = [file.path for file in warm.inputs or ()]
        child.environment = warm.environment
        if child.booted is not None:
            self._loop.call_soon(ears.message, child, child.booted, None)
        return child

    def take_back(self, child: Child) -> None:
        """It was given out in vain."""
        child.ears = self
        self._end(child)

    # ------------------------------------------------------------ making one

    def _outdated(self) -> None:
        """What it was made of has changed, and with that what was found to be unfit."""
        self._unfit.clear()
        self._spoilt = 0
        self.discard()

    def _want(self, plan: Plan, roots: list[str]) -> None:
        self.discard()
        self._wanted = (plan, roots)
        self._rest()

    def _rest(self) -> None:
        """Nothing starts: make what is missing, but let the first requests come first."""
        self.hold()
        self._at_rest = True
        self._timer = self._loop.call_later(CALM, self._prepare)

    def _leave_out(self, message: m.Unfit) -> None:
        root = message.root or "The framework"
        logger.info("%s is not imported ahead: %s.", root, message.why)
        self._unfit.add(message.root)

    def _fit(self, plan: Plan, roots: Sequence[str]) -> list[str]:
        """Those of the libraries that may be imported ahead."""
        if plan.warmup == "framework" or self._spoilt > 1:
            roots = [root for root in roots if root.partition(".")[0] in _FRAMEWORK]
        return [root for root in roots if root not in self._unfit]

    def _prepare(self) -> None:
        """Make what is missing for the next start: the standby, or a copy of it."""
        self._timer = None
        warm = self._warm
        if warm is None:
            self._make()
        elif warm.forks and warm.spare is None:
            warm.spare = self._fork(warm)

    def _make(self) -> None:
        if self._wanted is None or self._spoilt > 2:
            return
        plan, roots = self._wanted
        environment = {path: _version(path) for path in plan.environment}
        try:
            process = run(plan.interpreter, plan.cwd, plan.env)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            logger.info("No standby can be made: %s.", error)
            return
        child = Child(0, process, self)
        self._warm = _Warm(child, plan, self._fit(plan, roots), environment, _folder(plan))

    def _end(self, child: Child) -> None:
        """It has nothing to lose."""
        if not child.ended:
            self._ending.add(child)
            child.kill_group()

    # ------------------------------------------------------------ copies

    def _fork(self, warm: _Warm) -> asyncio.Future[Child]:
        """Have the standby make a copy. The future fails with ChildProcessError if it can't."""
        copied: asyncio.Future[Child] = self._loop.create_future()
        try:
            line = Line()
        except OSError:
            _fail(copied)
            return copied
        try:
            warm.child.send(m.Fork(), line.theirs.fileno())
        except OSError:
            line.given()
            line.close()
            _fail(copied)
            return copied
        warm.forking.append((line, copied))
        orphans.born()
        for role, descriptor in {"box": line.box.fileno(), **line.roles}.items():
            line.channel.sendmsg([encode(m.Take(role))], rights(descriptor))
        line.given()
        return copied

    async def _copy_of(self, warm: _Warm) -> Child | None:
        spare, warm.spare = warm.spare or self._fork(warm), None
        try:
            if not spare.done():  # and not `wait_for`, which before 3.12 loses a cancellation
                await asyncio.wait({spare}, timeout=FORK_SECONDS)
        except asyncio.CancelledError:
            if not spare.cancel() and not spare.exception():
                self._end(spare.result())
            raise
        if spare.cancel() or spare.exception():
            self.discard()
            return None
        child = spare.result()
        return None if child.ended else child

    def _copied(self, warm: _Warm, pid: int) -> None:
        line, copied = warm.forking.popleft()
        if not pid:
            orphans.known()
            line.close()
            _fail(copied)
            return
        child = Child(0, Process(pid, line), self)
        orphans.known()
        if copied.done():  # nobody waits for it any more
            self._end(child)
        else:
            copied.set_result(child)

    def _let_go(self, warm: _Warm) -> None:
        """No copy of it will be needed."""
        while warm.forking:
            line, copied = warm.forking.popleft()
            line.close()  # what may have come of it sees that, and ends
            _fail(copied)
            orphans.known()
        spare = warm.made()
        if spare is not None:
            self._end(spare)

    # ------------------------------------------------------------ its words (see `child.Ears`)

    def message(self, child: Child, message: Any, descriptor: int | None) -> None:
        if isinstance(message, m.Booted):
            child.booted = message
        warm = self._warm
        if warm is None or child is not warm.child:
            return
        match message:
            case m.Booted():
                child.send(m.Warm(warm.plan.load, warm.roots))
            case m.Warmed(inputs, forks):
                warm.inputs, warm.forks = inputs, forks and self._can_fork
                how = "copies" if warm.forks else "itself"
                ahead = ", ".join(warm.roots) or "nothing"
                logger.info("Process %d stands by to serve as %s: %s.", child.pid, how, ahead)
                if self._timer is None:
                    self._prepare()
            case m.Unfit():
                warm.unfit = True
                self._leave_out(message)
            case m.Forked(pid):
                self._copied(warm, pid)

    def output(self, child: Child, stream: str, data: bytes) -> None:
        """It has nothing to say; what it prints while it imports is kept from it."""

    def gone(self, child: Child, status: int) -> None:
        self._ending.discard(child)
        warm = self._warm
        if warm is None:
            return
        if child is warm.child:
            self._warm = None
            self._let_go(warm)
            self._try_without(warm)
        elif warm.made() is child:
            warm.spare = None

    def _try_without(self, warm: _Warm) -> None:
        """Make another one, if it has ended because of a library."""
        if self._wanted is None or not set(warm.roots) & self._unfit:
            return
        if len(self._unfit) > ATTEMPTS:
            self._wanted = (self._wanted[0], [])
        if self._at_rest and self._timer is None:
            self._make()


def _fail(copied: asyncio.Future[Child]) -> None:
    """Tell who waits for a copy, if anybody does, that there will be none.

    Not by cancelling: that would cancel the start which waits.
    """
    if not copied.done():
        copied.set_exception(ChildProcessError("the standby has made no copy"))
        copied.exception()  # nobody need have waited


def _same(one: Plan, other: Plan) -> bool:
    """Whether two plans make the same process, up to the project's code."""
    relevant: Callable[[Plan], Any] = lambda plan: (  # noqa: E731
        plan.interpreter, plan.cwd, dict(plan.env), plan.load, plan.warmup
    )  # fmt: skip
    return bool(relevant(one) == relevant(other))


def _holds(warm: _Warm) -> bool:
    """Whether all is as it was when the standby was made of it. Looks at some hundred files."""
    if _folder(warm.plan) != warm.folder:
        return False
    for path, mtime_ns, size in warm.inputs or ():
        try:
            status = os.stat(path)
        except OSError:
            return False
        if status.st_mtime_ns != mtime_ns or (size and status.st_size != size):
            return False
    return _are_as_they_were(warm.environment)


def is_current(child: Child) -> bool:
    """Whether what its process has read before it became a generation's is what is on disk."""
    return _are_as_they_were(child.environment)


def _are_as_they_were(files: Mapping[str, tuple[int, int] | None]) -> bool:
    return all(_version(path) == version for path, version in files.items())


def _version(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _folder(plan: Plan) -> tuple[int, int] | None:
    """Which folder it is that the app runs in: one may have taken another's place."""
    try:
        status = os.stat(plan.cwd)
    except OSError:
        return None
    return status.st_dev, status.st_ino
